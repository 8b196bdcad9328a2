// Link utilisation over time: rows of link classes, trays or chips from counted bins, of single links from their slots.

const ROW_HEIGHTS = { class: 44, tray: 22, chip: 15, link: 15 };
const STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 0.75, 1];

// Ticks of a group in bins a .. b - 1 lie between two sums.
function summed(columns, bins) {
  return columns.map((column) => {
    const rows = column.length / bins, sums = new Float64Array(rows * (bins + 1));
    for (let row = 0; row < rows; row++) {
      const place = row * (bins + 1);
      for (let bin = 0; bin < bins; bin++) sums[place + bin + 1] = sums[place + bin] + column[row * bins + bin];
    }
    return sums;
  });
}

// The sums of a group, and where they begin; undefined until they are inflated.
function sumsOf(store, kind, row, redraw) {
  const series = store.meta.series[kind];
  const sums = store.peek(`${kind}.${Math.floor(row / series.block)}`, (columns) => summed(columns, series.bins), redraw);
  return sums && { sums, place: (row % series.block) * (series.bins + 1) };
}

// Where a bin begins: the last one ends where the time does.
function edge({ meta }, series, bin) {
  return Math.min((bin * series.last) / series.bins, meta.total);
}

// Busy, multicast, running and all link-cycles of a group in whole bins.
function counted(store, kind, row, first, last, redraw) {
  const series = store.meta.series[kind], found = sumsOf(store, kind, row, redraw);
  if (!found) return undefined;
  const [busy, multicast, running] = found.sums.map((sum) =>
    (sum[found.place + last] - sum[found.place + first]) / series.ticks);
  return { busy, multicast, running, all: series.links[row] * (edge(store, series, last) - edge(store, series, first)) };
}

class Utilisation extends TimePanel {
  constructor(root, store, span) {
    super(root, span, store.meta.nsPerCycle);
    Object.assign(this, { store, most: 460, kind: "class", of: "running" });
    this.steady = store.meta.period ? store.meta.frames.map((frame) => new FrameView(store.meta, frame, { steady: true })) : null;
    this.kindBox = root.querySelector("[name=kind]");
    this.chipBox = root.querySelector("[name=chip]");
    this.ofBox = root.querySelector("[name=of]");
    store.viewers.set(this, () => this.inView().filter(({ link }) => link >= 0).map(({ link }) => linkKey(link)));
    for (const box of [this.kindBox, this.chipBox, this.ofBox]) box.addEventListener("change", () => this.select());
    this.select();
  }

  // Of a build that repeats a period is shown, with all passes of all frames that reach into it.
  passes(from, to) { return this.steady ? this.steady.flatMap((frame) => frame.passes(from, to)) : ONE_PASS; }

  select() {
    this.kind = this.kindBox.value;
    this.of = this.ofBox.value;
    this.chipBox.disabled = this.kind !== "link";
    this.scroll = 0;
    if (this.kind === "link") this.setRows(this.linkRows());
    else this.setRows(this.seriesRows(), this.namesLayers);
  }

  showLinksOf(node) {
    this.kindBox.value = "link";
    this.chipBox.value = node;
    this.select();
    const found = this.store.meta.segments[segmentOf(this.store.meta, node)];
    if (found && !this.store.meta.period) this.span.show(found.start, Math.max(found.end, found.start + 1));
  }

  seriesRows() {
    const { names, rows } = this.store.meta.series[this.kind], ofChips = this.kind === "chip";
    return names.map((name, index) => (
      { label: ofChips ? nodeName(this.store.meta, rows[index]) : name, index, height: ROW_HEIGHTS[this.kind] }));
  }

  linkRows() {
    const links = this.store.links(() => this.select());
    if (!links) return [];
    const node = Number(this.chipBox.value), { nodes } = this.store.meta, rows = [];
    for (const link of [...links.leaving.of(node), ...links.entering.of(node)]) {
      if (!links.slots[link]) continue;
      const label = `${nodes[links.src[link]]} → ${nodes[links.dst[link]]} #${links.lane[link]}`;
      rows.push(linkRow(this.store, link, label, { height: ROW_HEIGHTS.link }));
    }
    return rows.length ? rows : [{ label: "no link carries", link: -1, height: ROW_HEIGHTS.link }];
  }

  // The whole bins that a pixel, or a bin wider than it, shows.
  bins(cycle) {
    const series = this.store.meta.series[this.kind], width = series.last / series.bins;
    const pixel = Math.floor((cycle - this.span.from) / this.perPixel) * this.perPixel + this.span.from;
    const many = this.perPixel > width;
    const first = Math.floor((many ? pixel : cycle) / width);
    const last = many ? Math.floor((pixel + this.perPixel) / width) : first + 1;
    return [Math.min(Math.max(first, 0), series.bins - 1), Math.min(Math.max(last, first + 1), series.bins), width];
  }

  before(pen) {
    this.reading = false;
    if (this.kind === "link") { this.ceiling = 1; return; }
    let most = 0;
    for (const row of this.rows) {
      if (row.top - this.scroll > this.height || row.top + row.height < this.scroll) continue;
      row.columns = this.columns(row);
      for (const column of row.columns) most = Math.max(most, column.share);
    }
    this.ceiling = STEPS.find((step) => step >= most) || Math.max(1, most);
    this.markLayers(pen);
  }

  get namesLayers() { return !this.store.meta.period && this.store.meta.segments.length > 1; }

  markLayers(pen) {
    if (!this.namesLayers) return;
    pen.textAlign = "left";
    for (const { name, start, end } of this.store.meta.segments) {
      const x = Math.round(this.x(start)), named = (end - start) / this.perPixel > pen.measureText(name).width + 8;
      if (x < GUTTER || x >= GUTTER + this.width) continue;
      pen.fillStyle = themed(named ? "--edge" : "--line");
      pen.fillRect(x, 0, 1, this.height);
      pen.fillStyle = themed("--quiet");
      if (named) pen.fillText(name, x + 4, HEADING / 2 - this.scroll);
    }
  }

  columns(row) {
    const series = this.store.meta.series[this.kind], width = series.last / series.bins, drawn = [];
    const found = sumsOf(this.store, this.kind, row.index, () => this.queue());
    if (!found) { this.reading = true; return drawn; }
    const [busySums, multicastSums, runningSums] = found.sums, wide = Math.max(this.perPixel, width);
    const perCycle = series.links[row.index] * series.ticks;
    let at = this.perPixel > width ? this.span.from : Math.floor(this.span.from / width) * width;
    for (; at < this.span.to; at += wide) {
      const [first, last] = this.bins(at + wide * 1e-6), from = found.place + first, to = found.place + last;
      const busy = busySums[to] - busySums[from];
      const whole = this.of === "running" ? runningSums[to] - runningSums[from]
        : perCycle * (edge(this.store, series, last) - edge(this.store, series, first));
      if (busy && whole) drawn.push({ at, wide, share: busy / whole, multicast: (multicastSums[to] - multicastSums[from]) / whole });
    }
    return drawn;
  }

  // That of the class; the links of a chip are of several.
  colourOf({ index }) {
    const { colours, series } = this.store.meta;
    return colours.classes[series[this.kind].classes[index]] || colours.mixed;
  }

  drawRow(pen, row, top) {
    if (row.link !== undefined) { drawLink(this, pen, row, top); return; }
    const full = row.height - 3, bottom = top + row.height - 1;
    const colour = shown(this.colourOf(row));
    for (const [part, fill] of [["share", colour], ["multicast", themed("--over")]]) {
      pen.fillStyle = fill;
      for (const column of row.columns || []) {
        const high = (full * column[part]) / this.ceiling;
        if (high) pen.fillRect(this.x(column.at), bottom - high, Math.max(column.wide / this.perPixel, 1), high);
      }
    }
  }

  tell(row, at) {
    if (row.link !== undefined) return row.link < 0 ? "" : tellSlot(this.store, row, at, this);
    const [first, last] = this.bins(at), series = this.store.meta.series[this.kind];
    const sums = counted(this.store, this.kind, row.index, first, last, () => this.queue());
    if (!sums) return READING;
    const whole = this.of === "running" ? sums.running : sums.all;
    const span = `${row.label}, ${this.segmentAt(at)}cycles ${this.when(edge(this.store, series, first))} to ${this.when(edge(this.store, series, last))}`;
    if (!whole) return `${span}: none of its links runs`;
    const copies = sums.busy ? `, ${percent(sums.multicast / sums.busy)} of that multicast` : "";
    return `${span}: busy ${number(sums.busy)} of ${number(whole)} link-cycles = ${percent(sums.busy / whole)}${copies}`;
  }

  segmentAt(at) {
    const { period, segments } = this.store.meta;
    const found = period ? undefined : segments.find(({ start, end }) => start <= at && at < end);
    return found ? `${found.name}, ` : "";
  }

  idle() {
    const series = this.store.meta.series[this.kind];
    if (this.reading) return READING;
    if (!series) return `Single links, every slot${this.steady ? " of all passes in a period" : ""}: exact to the cycle.`;
    const cycles = series.last / series.bins;
    const bin = `Counted in bins of ${things(cycles, "cycle")}${series.exact ? ", exactly" : ", rounded"}`;
    return `${bin}; full height is ${percent(this.ceiling || 1)}; darker is multicast.`;
  }
}
