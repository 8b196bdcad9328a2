// What repeats: the passes of segments through the windows of their frame, and the time that a view of them shows.

// Everything once, as a token meets it.
const ONE_PASS = [{ segment: -1, shift: 0, first: -Infinity, last: Infinity }];

// Of each segment the clip of the token's time in which its rows lie, and how far they are shifted in a view.
class View {
  constructor(name, members, { chips, relays }, start, end, last) {
    Object.assign(this, { name, members, chips: [...chips, ...relays], relays, start, end, last });
  }

  // All passes that meet a time.
  passes() { return ONE_PASS; }

  windowRows() { return []; }

  deskews() { return []; }

  // How far the pass of a segment is shifted on which the critical path is drawn; undefined of what is not in view.
  marked() { return 0; }
}

// One pass of a segment; of a frame that repeats also how much later the next ones begin.
class SegmentView extends View {
  constructor(meta, segment, index) {
    const { name, start, end, frame } = segment;
    super(name, [index], segment, start, Math.max(end, start + 1), meta.length);
    Object.assign(this, { meta, period: frame < 0 ? 0 : meta.frames[frame].period });
  }

  windowRows() {
    return this.period ? [{ label: "windows", base: this.start, period: this.period, count: 0, gaps: new Set() }] : [];
  }

  deskews(from, to) {
    const inside = new Set(this.meta.segments.filter(({ start, end }) => start < to && end > from)
      .map(({ segment }) => segment));
    return this.meta.deskews.filter(([segment]) => inside.has(segment)).map(([, start, end]) => [start, end]);
  }
}

// All windows of a frame in its own time, or one period of it, in which every window runs.
class FrameView extends View {
  constructor(meta, frame, { steady = false } = {}) {
    const length = steady ? frame.period : frame.windows * frame.period;
    super(`all windows of frame ${frame.frame}`, frame.segments, frame, 0, length, length);
    const segments = meta.segments.map((of, index) => ({ ...of, index })).filter((of) => frame.segments.includes(of.index));
    Object.assign(this, { frame, segments, gaps: new Set(steady ? [] : frame.gaps) });
  }

  passes(from, to) {
    const { period, windows } = this.frame, found = [];
    for (const { index, start, end, phase } of this.segments) {
      const base = phase - start;
      for (let pass = Math.floor((from - base - end) / period); base + pass * period + start < to; pass++) {
        const window = ((pass % windows) + windows) % windows;
        if (this.gaps.has(window)) continue;
        found.push({ segment: index, shift: base + pass * period, first: start, last: end, window });
      }
    }
    return found;
  }

  windowRows() {
    const { period, windows } = this.frame, many = this.segments.length > 1;
    return this.segments.map(({ name, phase }) => (
      { label: many ? `${name} windows` : "windows", base: phase, period, count: windows, gaps: this.gaps }));
  }

  marked(segment) {
    const { windows, period } = this.frame, of = this.segments.find(({ index }) => index === segment);
    let pass = 0;
    while (pass < windows && this.gaps.has(pass)) pass++;
    return of && of.phase - of.start + pass * period;
  }

  deskews(from, to) {
    const found = [];
    for (const [cycle, stall, every] of this.frame.deskews) {
      const apart = every * this.frame.period;
      for (let start = cycle + Math.floor((from - cycle) / apart) * apart; start < to; start += apart) {
        found.push([start, start + stall]);
      }
    }
    return found;
  }
}

function views(meta) {
  return [...meta.segments.map((segment, index) => new SegmentView(meta, segment, index)),
    ...meta.frames.map((frame) => new FrameView(meta, frame))];
}

// The first segment in which a chip computes, or relays where it computes in none; -1 of any other node.
function segmentOf(meta, node) {
  const found = meta.segments.findIndex(({ chips }) => chips.includes(node));
  return found < 0 ? meta.segments.findIndex(({ relays }) => relays.includes(node)) : found;
}

// What a node is called: its position, of a relay with the word.
function nodeName(meta, node, relays = meta.relays) {
  return `${relays.includes(node) ? "relay " : ""}${meta.nodes[node]}`;
}

// The segment in whose part of the token's time a cycle lies.
function segmentAt(meta, cycle) {
  meta.starts ||= Float64Array.from(meta.segments, ({ start }) => start);
  return Math.max(lastNotAbove(meta.starts, cycle), 0);
}

// Boxes of windows: those left out grey, each with its number where there is room.
function drawWindows(pen, row, top, panel) {
  const { base, period, count, gaps } = row.windows, wide = period / panel.perPixel;
  const begin = Math.max(Math.floor((panel.span.from - base) / period), count ? -Infinity : 0);
  if (wide < 2) { shadeWindows(pen, row, top, panel, begin); return; }
  pen.textAlign = "center";
  for (let pass = begin; base + pass * period < panel.span.to; pass++) {
    const number = count ? ((pass % count) + count) % count : pass, x = panel.x(base + pass * period);
    const left = gaps.has(number), name = count ? String(number) : pass ? `+${pass}` : "this";
    pen.fillStyle = themed(left ? "--deskew" : pass % 2 ? "--first" : "--hot");
    pen.globalAlpha = left || count ? (left ? 1 : 0.7) : pass ? 0.35 : 0.8;
    pen.fillRect(x, top + 2, wide - 1, row.height - 4);
    pen.globalAlpha = 1;
    if (pen.measureText(name).width + 6 > wide) continue;
    pen.fillStyle = themed(left || (!count && pass) || pass % 2 ? "--ink" : "--paper");
    pen.fillText(name, x + wide / 2, top + row.height / 2);
  }
}

// Windows narrower than two pixels: each column as grey as the share of it that is left out, and never unseen.
function shadeWindows(pen, row, top, panel, begin) {
  const { base, period, count, gaps } = row.windows, left = new Shades(panel), right = GUTTER + panel.width;
  for (let pass = begin; gaps.size && base + pass * period < panel.span.to; pass++) {
    if (!gaps.has(((pass % count) + count) % count)) continue;
    const to = Math.min(panel.x(base + (pass + 1) * period), right);
    for (let x = Math.max(panel.x(base + pass * period), GUTTER), next; x < to; x = next) {
      next = Math.min(Math.floor(x - GUTTER) + 1 + GUTTER, to);
      left.add(x, next - x);
    }
  }
  pen.fillStyle = themed("--hot");
  pen.globalAlpha = 0.7;
  pen.fillRect(Math.max(panel.x(base + begin * period), GUTTER), top + 2, panel.width, row.height - 4);
  pen.fillStyle = themed("--deskew");
  left.draw(pen, top + 2, row.height - 4);
}

function tellWindow(row, at, panel) {
  const { base, period, count, gaps } = row.windows, pass = Math.floor((at - base) / period);
  const span = `${panel.when(base + pass * period)} to ${panel.when(base + (pass + 1) * period)}`;
  if (!count) {
    return pass < 0 ? "" : pass ? `${row.label}: the window ${things(pass, "period")} later begins, ${span}` : `${row.label}: this pass begins, ${span}`;
  }
  const number = ((pass % count) + count) % count;
  const what = gaps.has(number) ? "left out, so that the frame drains for a deskew" : "a micro-batch may begin";
  return `${row.label}: window ${number} of ${count}, ${span}: ${what}`;
}

function toldWindow({ window }) {
  return window === undefined ? "" : `, window ${window}`;
}
