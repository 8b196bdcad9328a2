// What the units and links of chips do: operators, sends, receives, deskews, windows, and the critical path.

const TALL = { unit: 15, traffic: 18, link: 12, windows: 15 };

class Timeline extends TimePanel {
  constructor(root, store, span) {
    super(root, span, store.meta.nsPerCycle);
    Object.assign(this, { store, most: 560, opened: new Set(), held: new Map(), views: views(store.meta) });
    this.box = root.querySelector("[name=segment]");
    this.box.addEventListener("change", () => this.select());
    this.markPath();
    this.select();
  }

  get view() { return this.views[Number(this.box.value)]; }

  passes(from, to) { return this.view.passes(from, to); }

  select() {
    const { start, end, last } = this.view;
    this.opened.clear();
    this.held.clear();
    this.scroll = 0;
    this.span.last = Math.max(last, LEAST_SPAN);
    this.lay();
    this.span.show(start, end);
  }

  showChip(node) {
    const found = this.store.meta.segments.findIndex(({ chips }) => chips.includes(node));
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
    this.setRows([...windows, ...this.view.chips.flatMap((chip) => this.chipRows(chip, operators, links))]);
  }

  chipRows(chip, operators, links) {
    const { nodes, units, idleUnits } = this.store.meta, name = nodes[chip];
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
    const { nodes, wires } = this.store.meta, found = [];
    for (const [type, list] of [["in", links.entering.of(chip)], ["out", links.leaving.of(chip)]]) {
      for (const link of list) {
        const slots = this.store.slots(link, () => this.lay());
        if (!slots || slots[1] === slots[2]) continue;
        const other = nodes[type === "in" ? links.src[link] : links.dst[link]];
        found.push({ label: `${type === "in" ? "from" : "to"} ${other} #${links.lane[link]}`, link, chip, type: "link",
          pitch: this.store.pitch(links.wire[link]), wire: wires[links.wire[link]], guard: links.guard[link],
          height: TALL.link });
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

  markPath() {
    this.onPath = new Set();
    this.hops = [];
    for (const [thing, depart] of this.store.meta.path) {
      if (depart < 0) this.onPath.add(thing);
      else this.hops.push({ link: thing, depart });
    }
  }

  // How the links of a chip are held, by class and segment; undefined until their slots are there.
  traffic(chip, type) {
    const key = `${type} ${chip}`;
    if (this.held.has(key)) return this.held.get(key);
    const links = this.store.links(() => this.queue()), spans = new Map();
    if (!links) return undefined;
    for (const link of links[type === "in" ? "entering" : "leaving"].of(chip)) {
      if (links.down[link]) continue;
      const slots = this.store.slots(link, () => this.queue());
      if (!slots) return undefined;
      const name = this.store.meta.wires[links.wire[link]].class, pitch = this.store.pitch(links.wire[link]);
      if (slots[1] === slots[2]) continue;
      const of = spans.get(name) || spans.set(name, { links: 0, parts: new Map() }).get(name);
      of.links++;
      for (let slot = slots[1]; slot < slots[2]; slot++) {
        const depart = slots[0].depart[slot], segment = segmentAt(this.store.meta, depart);
        const part = of.parts.get(segment) || of.parts.set(segment, { starts: [], ends: [] }).get(segment);
        part.starts.push(depart);
        part.ends.push(depart + slots[0].vectors[slot] * pitch);
      }
    }
    const found = [...spans].map(([name, { links: count, parts }]) => ({ name, links: count,
      parts: [...parts].map(([segment, { starts, ends }]) => ({ segment, held: new Held(starts, ends) })) }));
    this.held.set(key, found);
    return found;
  }

  // Busy time in each column, of all passes.
  profile(parts, columns) {
    const sums = new Float64Array(columns);
    for (const { segment, shift } of this.shown) {
      for (const part of parts) {
        if (segment >= 0 && part.segment !== segment) continue;
        const from = this.span.from - shift, { first, last } = part.held;
        const low = Math.max(Math.floor((first - from) / this.perPixel), 0);
        const high = Math.min(Math.ceil((last - from) / this.perPixel), columns);
        if (high <= low) continue;
        const busy = part.held.profile(from + low * this.perPixel, this.perPixel, high - low);
        for (let column = low; column < high; column++) sums[column] += busy[column - low];
      }
    }
    return sums;
  }

  before(pen) {
    this.shown = this.passes(this.span.from, this.span.to);
    pen.fillStyle = themed("--deskew");
    for (const [start, end] of this.view.deskews(this.span.from, this.span.to)) {
      const from = Math.max(this.x(start), GUTTER), to = Math.min(this.x(end), GUTTER + this.width);
      if (to > from) pen.fillRect(from, 0, Math.max(to - from, 1), this.height);
    }
  }

  drawRow(pen, row, top) {
    if (row.type === "windows") drawWindows(pen, row, top, this);
    else if (row.type === "unit") this.drawUnit(pen, row, top);
    else if (row.type === "link") Utilisation.prototype.drawLink.call(this, pen, row, top);
    else this.drawTraffic(pen, row, top);
  }

  drawUnit(pen, row, top) {
    const operators = this.store.operators(() => this.queue()), { kinds, colours } = this.store.meta;
    if (!operators) return;
    for (const [index, start, { segment, shift }] of this.running(row, operators, this.shown)) {
      const cycles = operators.cycles[index];
      if (start > this.span.to || start + cycles < this.span.from) continue;
      const x = this.x(start), wide = Math.max(cycles / this.perPixel, 1), kind = kinds[operators.kind[index]];
      pen.fillStyle = shown(colours[kind]);
      pen.fillRect(x, top + 2, wide, row.height - 4);
      if (this.onPath.has(index) && shift === this.view.marked(segment)) {
        pen.strokeStyle = themed("--path");
        pen.lineWidth = 2;
        pen.strokeRect(x, top + 2, wide, row.height - 4);
        pen.lineWidth = 1;
      }
    }
  }

  // Operators on a unit, and when they start in each pass.
  *running(row, operators, passes) {
    const mine = [...operators.of.of(row.chip)].filter((index) => operators.unit[index] === row.unit);
    const place = mine.map((index) => segmentAt(this.store.meta, operators.start[index]));
    for (const pass of passes) {
      for (let at = 0; at < mine.length; at++) {
        if (pass.segment < 0 || pass.segment === place[at]) yield [mine[at], operators.start[mine[at]] + pass.shift, pass];
      }
    }
  }

  drawTraffic(pen, row, top) {
    const classes = this.traffic(row.chip, row.type), bottom = top + row.height - 2, full = row.height - 4;
    if (!classes) return;
    const all = classes.reduce((sum, { links }) => sum + links, 0), columns = Math.ceil(this.width);
    const below = new Float64Array(columns).fill(bottom);
    for (const { name, parts } of classes) {
      pen.fillStyle = shown(this.store.meta.colours[name]);
      const shares = this.profile(parts, columns);
      // Columns of equal height are one bar.
      for (let x = 0, next; x < columns; x = next) {
        const high = shares[x] > 1e-9 ? Math.max(Math.round((4 * full * shares[x]) / this.perPixel / all) / 4, 1) : 0;
        const y = below[x];
        for (next = x + 1; next < columns && Math.abs(shares[next] - shares[x]) < 1e-6 && below[next] === y;) next++;
        if (high) pen.fillRect(GUTTER + x, y - high, next - x, high);
        below.fill(y - high, x, next);
      }
    }
  }

  after(pen) {
    const links = this.store.links();
    const places = new Map(this.rows.map((row) => [`${row.type} ${row.chip}`, row]));
    const rowOf = (chip, type) => places.get(`${type} ${chip}`);
    pen.strokeStyle = pen.fillStyle = themed("--path");
    pen.lineWidth = 1.5;
    for (const { link, depart } of this.hops) {
      const start = depart + this.view.marked(segmentAt(this.store.meta, depart));
      if (!links || start > this.span.to) continue;
      const [block, first, last] = this.store.slots(link, () => this.queue()) || [null, 0, 0];
      const slot = block ? lastNotAbove(block.depart, depart, first, last) : -1;
      if (slot < first || start + block.wait[slot] < this.span.from) continue;
      const out = rowOf(links.src[link], "out"), into = rowOf(links.dst[link], "in");
      const ends = [[out, start], [into, start + block.wait[slot]]].filter(([row]) => row)
        .map(([row, cycle]) => [Math.max(this.x(cycle), GUTTER), row.top + row.height / 2 - this.scroll]);
      pen.beginPath();
      ends.forEach(([x, y], index) => (index ? pen.lineTo(x, y) : pen.moveTo(x, y)));
      pen.stroke();
      for (const [x, y] of ends) pen.fillRect(x - 2, y - 2, 4, 4);
    }
    pen.lineWidth = 1;
  }

  tell(row, at) {
    if (row.type === "windows") return tellWindow(row, at, this);
    if (row.type === "link") return tellSlot(this.store, row, at, this);
    if (row.type === "unit") return this.tellUnit(row, at);
    const classes = this.traffic(row.chip, row.type);
    if (!classes) return READING;
    const passes = this.passes(at, at + 1e-3);
    const held = classes.map(({ name, links, parts }) => {
      const busy = (shift, of) => of.held.busy(at - shift, at - shift + 1e-3);
      const now = Math.round(1e3 * passes.reduce((sum, { segment, shift }) => sum
        + parts.filter((of) => segment < 0 || of.segment === segment).reduce((all, of) => all + busy(shift, of), 0), 0));
      return `${now} of the ${links} ${name} links that carry anything held`;
    });
    return `${row.label}, cycle ${this.when(Math.floor(at))}: ${held.join(", ") || "none of its links carries anything"}. `
      + "Enter opens them.";
  }

  tellUnit(row, at) {
    const operators = this.store.operators(() => this.queue()), { kinds } = this.store.meta;
    if (!operators) return READING;
    for (const [index, start, pass] of this.running(row, operators, this.passes(at, at + 1e-3))) {
      const end = start + operators.cycles[index];
      if (at < start || at >= end) continue;
      const marked = this.onPath.has(index) && pass.shift === this.view.marked(pass.segment);
      const path = marked ? ", on the critical path" : toldWindow(pass);
      return `${row.label}: ${kinds[operators.kind[index]]} of layer ${operators.layer[index]}, ${this.when(start)} to `
        + `${this.when(end)}: ${number(end - start)} cycles${path}`;
    }
    return `${row.label}, cycle ${this.when(Math.floor(at))}: idle`;
  }

  idle() {
    return "Height: how many of the chip's links that ever carry anything are held. Enter or a double click on a chip opens its links.";
  }
}
