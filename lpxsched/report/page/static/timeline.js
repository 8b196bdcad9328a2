// What the units and links of chips do: operators, sends, receives, deskews, windows, and the critical path.

const TALL = { unit: 15, traffic: 18, link: 12, windows: 15 };

class Timeline extends TimePanel {
  constructor(root, store, span) {
    super(root, span, store.meta.nsPerCycle);
    Object.assign(this, { store, most: 560, opened: new Set(), units: new Map(), carrying: new Map(), views: views(store.meta) });
    store.viewers.set(this, () => this.inView().map(({ type, chip, link }) => (type === "link" ? linkKey(link) : `${type} ${chip}`)));
    this.box = root.querySelector("[name=segment]");
    this.box.addEventListener("change", () => this.select());
    this.path = new CriticalPath(store, this);
    this.select();
  }

  get view() { return this.views[Number(this.box.value)]; }

  passes(from, to) { return this.view.passes(from, to); }

  select() {
    const { start, end, last } = this.view;
    this.opened.clear();
    this.scroll = 0;
    this.fresh = true;
    this.span.last = Math.max(last, LEAST_SPAN);
    this.lay();
    this.span.show(start, end);
  }

  showChip(node) {
    const found = segmentOf(this.store.meta, node);
    if (found < 0) return;
    this.box.value = found;
    this.select();
    const row = this.rows.findIndex((each) => each.chip === node);
    if (row >= 0) this.toRow(row);
  }

  lay() {
    const operators = this.store.operators(() => this.lay()), links = this.store.links(() => this.lay());
    if (!operators || !links) return;
    const windows = this.view.windowRows().map((of) => (
      { label: of.label, type: "windows", windows: of, height: TALL.windows, first: true }));
    const chips = this.view.chips.flatMap((chip) => this.chipRows(chip, operators, links));
    this.setRows([...windows, ...this.path.elsewhereRow(links), ...chips]);
    // Enter opens a chip, so the cursor begins at one.
    if (this.fresh) this.cursor.row = Math.max(this.rows.findIndex(({ chip }) => chip !== undefined), 0);
    this.fresh = false;
  }

  chipRows(chip, operators, links) {
    const { units, idleUnits } = this.store.meta, name = nodeName(this.store.meta, chip, this.view.relays);
    const used = new Set([...operators.of.of(chip)].map((row) => operators.unit[row]));
    const running = units.filter((unit, index) => used.has(index) && !idleUnits.includes(unit));
    const rows = [{ label: `${name} receives`, chip, type: "in", height: TALL.traffic }];
    for (const unit of running) {
      rows.push({ label: `${name} ${unit}`, chip, type: "unit", unit: units.indexOf(unit), height: TALL.unit });
    }
    rows.push({ label: `${name} sends`, chip, type: "out", height: TALL.traffic });
    if (this.opened.has(chip)) rows.push(...this.linkRows(chip, links));
    rows[rows.length - 1].first = true;
    return rows;
  }

  linkRows(chip, links) {
    const { nodes } = this.store.meta, found = [];
    for (const [way, list, ends] of [["from", links.entering.of(chip), links.src], ["to", links.leaving.of(chip), links.dst]]) {
      for (const link of list) {
        if (!links.slots[link]) continue;
        const label = `${way} ${nodes[ends[link]]} #${links.lane[link]}`;
        found.push(linkRow(this.store, link, label, { chip, type: "link", height: TALL.link }));
      }
    }
    return found;
  }

  chosen(row) {
    const chip = this.rows[row]?.chip;
    if (chip === undefined) return;
    if (!this.opened.delete(chip)) this.opened.add(chip);
    this.lay();
  }

  // Links of a chip that ever carry anything, by class.
  classes(chip, type) {
    const key = `${type} ${chip}`, kept = this.carrying.get(key);
    if (kept) return kept;
    const links = this.store.links(() => this.queue()), found = new Map();
    if (!links) return undefined;
    this.carrying.set(key, found);
    for (const link of links[type === "in" ? "entering" : "leaving"].of(chip)) {
      if (links.down[link] || !links.slots[link]) continue;
      const name = this.store.meta.wires[links.wire[link]].class;
      if (!found.has(name)) found.set(name, []);
      found.get(name).push(link);
    }
    return found;
  }

  // How they are held in a block of slots, by class and segment.
  held(block, classes) {
    const links = this.store.links(), spans = new Map();
    for (const [name, members] of classes) {
      for (const link of members) {
        const [first, last] = slotsOf(block, link), pitch = this.store.pitch(links.wire[link]);
        for (let slot = first; slot < last; slot++) {
          const segment = segmentAt(this.store.meta, block.depart[slot]), place = `${name} ${segment}`;
          if (!spans.has(place)) spans.set(place, { name, segment, starts: [], ends: [] });
          const { starts, ends } = spans.get(place);
          starts.push(block.depart[slot]);
          ends.push(block.depart[slot] + block.vectors[slot] * pitch);
        }
      }
    }
    return [...spans.values()].map(({ name, segment, starts, ends }) => ({ name, segment, held: new Held(starts, ends) }));
  }

  // Call `take` with every part of what a chip's links carry in a time, and how far it is shifted; tell whether all is there.
  each(chip, type, classes, from, to, take) {
    let whole = true;
    for (const pass of this.passes(from, to)) {
      const since = Math.max(from - pass.shift, pass.first), until = Math.min(to - pass.shift, pass.last);
      const found = this.store.of(`${type} ${chip}`, (block) => this.held(block, classes), since, until, () => this.queue());
      if (found.missing) whole = false;
      for (const part of found.flat()) {
        if (pass.segment < 0 || part.segment === pass.segment) take(part, pass.shift);
      }
    }
    if (!whole) this.reading = true;
    return whole;
  }

  // Busy time of each class in each column.
  profiles(chip, type, classes, columns) {
    const sums = new Map([...classes.keys()].map((name) => [name, new Float64Array(columns)])), { from, to } = this.span;
    this.each(chip, type, classes, from, to, ({ name, held }, shift) => {
      const begin = from - shift, low = Math.max(Math.floor((held.first - begin) / this.perPixel), 0);
      const high = Math.min(Math.ceil((held.last - begin) / this.perPixel), columns);
      if (high <= low) return;
      const busy = held.profile(begin + low * this.perPixel, this.perPixel, high - low), sum = sums.get(name);
      for (let column = low; column < high; column++) sum[column] += busy[column - low];
    });
    return sums;
  }

  before(pen) {
    this.reading = false;
    pen.fillStyle = themed("--deskew");
    for (const [start, end] of this.view.deskews(this.span.from, this.span.to)) {
      const from = Math.max(this.x(start), GUTTER), to = Math.min(this.x(end), GUTTER + this.width);
      if (to > from) pen.fillRect(from, 0, Math.max(to - from, 1), this.height);
    }
  }

  drawRow(pen, row, top) {
    if (row.type === "windows") drawWindows(pen, row, top, this);
    else if (row.type === "unit") this.drawUnit(pen, row, top);
    else if (row.type === "link") drawLink(this, pen, row, top);
    else if (row.type !== "elsewhere") this.drawTraffic(pen, row, top);
  }

  drawUnit(pen, row, top) {
    const operators = this.store.operators(() => this.queue()), { kinds, colours } = this.store.meta;
    if (!operators) return;
    const shades = new Map(), marked = [];
    for (const [index, start, { segment, shift }] of this.running(row, operators, this.span.from, this.span.to)) {
      const x = this.x(start), share = operators.cycles[index] / this.perPixel, wide = Math.max(share, 1);
      const kind = kinds[operators.kind[index]];
      pen.fillStyle = shown(colours.kinds[kind]);
      if (share >= 1) pen.fillRect(x, top + 2, wide, row.height - 4);
      else {
        if (!shades.has(kind)) shades.set(kind, new Shades(this));
        shades.get(kind).add(x, share);
      }
      if (this.path.operators.has(index) && shift === this.view.marked(segment)) marked.push([x, wide]);
    }
    for (const [kind, of] of shades) {
      pen.fillStyle = shown(colours.kinds[kind]);
      of.draw(pen, top + 2, row.height - 4);
    }
    pen.strokeStyle = themed("--path");
    pen.lineWidth = 2;
    for (const [x, wide] of marked) pen.strokeRect(x, top + 2, wide, row.height - 4);
    pen.lineWidth = 1;
  }

  // Operators that a unit runs in a time, and when they start in each pass.
  *running(row, operators, from, to) {
    const { rows, starts } = this.onUnit(row, operators);
    for (const pass of this.passes(from, to)) {
      const since = Math.max(from - pass.shift, pass.first), until = Math.min(to - pass.shift, pass.last);
      for (let at = Math.max(lastNotAbove(starts, since), 0); at < rows.length && starts[at] < until; at++) {
        const end = starts[at] + operators.cycles[rows[at]];
        if (starts[at] >= pass.first && end > since) yield [rows[at], starts[at] + pass.shift, pass];
      }
    }
  }

  // Operators of a unit in the order in which it runs them, one at a time.
  onUnit({ chip, unit }, operators) {
    const key = `${chip} ${unit}`, kept = this.units.get(key);
    if (kept) return kept;
    const { start } = operators, rows = [...operators.of.of(chip)].filter((index) => operators.unit[index] === unit);
    rows.sort((one, other) => start[one] - start[other]);
    const found = { rows, starts: Float64Array.from(rows, (index) => start[index]) };
    this.units.set(key, found);
    return found;
  }

  drawTraffic(pen, row, top) {
    const classes = this.classes(row.chip, row.type), bottom = top + row.height - 2, full = row.height - 4;
    if (!classes) return;
    const all = [...classes.values()].reduce((sum, { length }) => sum + length, 0), columns = Math.ceil(this.width);
    const below = new Float64Array(columns).fill(bottom);
    for (const [name, shares] of this.profiles(row.chip, row.type, classes, columns)) {
      pen.fillStyle = shown(this.store.meta.colours.classes[name]);
      // Whole pixels, of which what is held at all takes one: columns of equal height are one bar.
      const scale = full * devicePixelRatio / this.perPixel / all;
      const heights = shares.map((share) => (share > 1e-9 ? Math.max(Math.round(scale * share) / devicePixelRatio, 1) : 0));
      for (let x = 0, next; x < columns; x = next) {
        const high = heights[x], y = below[x];
        for (next = x + 1; next < columns && below[next] === y && heights[next] === high;) next++;
        if (high) pen.fillRect(GUTTER + x, y - high, next - x, high);
        below.fill(y - high, x, next);
      }
    }
  }

  after(pen) { this.path.drawHops(pen); }

  tell(row, at) {
    if (row.type === "windows") return tellWindow(row, at, this);
    if (row.type === "elsewhere") return this.path.tellElsewhere(row, at);
    if (row.type === "link") return tellSlot(this.store, row, at, this);
    if (row.type === "unit") return this.tellUnit(row, at);
    const classes = this.classes(row.chip, row.type), now = new Map();
    const whole = classes && this.each(row.chip, row.type, classes, at, at + 1e-3, ({ name, held }, shift) => {
      now.set(name, (now.get(name) || 0) + held.busy(at - shift, at - shift + 1e-3));
    });
    if (!whole) return READING;
    const held = [...classes].map(([name, { length }]) => (
      `${linksOf(name)} that carry anything: ${Math.round(1e3 * (now.get(name) || 0))} of ${length} held`));
    return `${row.label}, cycle ${this.when(Math.floor(at))}: ${held.join(", ") || "none of its links carries anything"}. `
      + "Enter opens them.";
  }

  tellUnit(row, at) {
    const operators = this.store.operators(() => this.queue()), { kinds, layers } = this.store.meta;
    if (!operators) return READING;
    for (const [index, start, pass] of this.running(row, operators, at, at + 1e-3)) {
      const end = start + operators.cycles[index];
      if (at < start || at >= end) continue;
      const marked = this.path.operators.has(index) && pass.shift === this.view.marked(pass.segment);
      const path = marked ? ", on the critical path" : toldWindow(pass);
      return `${row.label}: ${kinds[operators.kind[index]]} of ${layers[operators.layer[index]]}, ${this.when(start)} to `
        + `${this.when(end)}: ${things(end - start, "cycle")}${path}`;
    }
    return `${row.label}, cycle ${this.when(Math.floor(at))}: idle`;
  }

  idle() {
    if (this.reading) return READING;
    return "Height: how many of the chip's links that ever carry anything are held. Enter or a double click on a chip opens its links.";
  }
}
