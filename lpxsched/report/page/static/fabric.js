// The fabric as trays x chips, coloured by the load of the links that leave each chip in a stretch of time.

const CELL_GAP = 2, LABEL = 64, HEAD = 22;
// The stretch that is a segment, the one in which the slider stands.
const SEGMENT = "segment";

function mixed(share) {
  const ends = [themed("--cold"), themed("--hot")].map((colour) =>
    [1, 3, 5].map((place) => parseInt(colour.slice(place, place + 2), 16)));
  return `rgb(${ends[0].map((cold, part) => Math.round(cold + (ends[1][part] - cold) * share)).join(",")})`;
}

class Fabric {
  constructor(root, store, choose) {
    Object.assign(this, { store, choose, cursor: 0, on: false });
    this.canvas = root.querySelector("canvas");
    this.readout = root.querySelector("output");
    this.slider = root.querySelector("[name=moment]");
    this.wide = root.querySelector("[name=stretch]");
    this.cells = laid(store.meta);
    this.columns = Math.max(...this.cells.map(({ column }) => column)) + 1;
    this.lines = Math.max(...this.cells.map(({ line }) => line)) + 1;
    this.canvas.style.height = HEAD + this.lines * Math.max(8, Math.min(22, 620 / this.lines)) + "px";
    this.slider.max = store.meta.series.chip.bins - 1;
    this.slider.addEventListener("input", () => this.queue());
    this.wide.addEventListener("change", () => this.queue());
    this.canvas.addEventListener("pointermove", (event) => this.moved(event));
    this.canvas.addEventListener("pointerleave", () => { this.on = document.activeElement === this.canvas; this.queue(); });
    this.canvas.addEventListener("focus", () => { this.on = true; this.queue(); });
    this.canvas.addEventListener("click", () => this.on && choose(this.cells[this.cursor].node));
    this.canvas.addEventListener("keydown", (event) => this.pressed(event));
    new ResizeObserver(() => this.queue()).observe(this.canvas);
  }

  get cellWidth() { return Math.min(56, (this.canvas.clientWidth - LABEL) / this.columns); }
  get cellHeight() { return (this.canvas.clientHeight - HEAD) / this.lines; }

  // First bin and bin after the last of the stretch.
  stretch() {
    const found = this.segment();
    if (found) return this.binsOf(found);
    const many = this.bins(this.wide.value), first = Math.min(Number(this.slider.value), this.store.meta.series.chip.bins - many);
    return [Math.max(first, 0), Math.max(first, 0) + many];
  }

  // The last segment that begins no later than the slider's bin, where segments are shown.
  segment() {
    if (this.wide.value !== SEGMENT) return undefined;
    return this.store.meta.segments.findLast((found) => this.binsOf(found)[0] <= Number(this.slider.value));
  }

  // The whole bins that come nearest to a segment.
  binsOf({ start, end }) {
    const { bins, last } = this.store.meta.series.chip;
    const first = Math.min(Math.round((start * bins) / last), bins - 1);
    return [first, Math.max(first + 1, Math.min(Math.round((end * bins) / last), bins))];
  }

  moved({ offsetX, offsetY }) {
    const column = Math.floor((offsetX - LABEL) / this.cellWidth), line = Math.floor((offsetY - HEAD) / this.cellHeight);
    const found = this.cells.findIndex((cell) => cell.column === column && cell.line === line);
    this.on = found >= 0;
    if (found >= 0) this.cursor = found;
    this.queue();
  }

  pressed(event) {
    if (!ours(event)) return;
    const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    const zooms = { "+": 1, "=": 1, "-": -1 }, move = moves[event.key];
    if (move && event.shiftKey && move[1]) this.shift(move[1]);
    else if (move) this.toCell(move);
    else if (zooms[event.key]) this.zoom(zooms[event.key]);
    else if (event.key === "0" || event.key === "Home") this.show(0, "1");
    else if (event.key === "Enter") this.choose(this.cells[this.cursor].node);
    else return;
    event.preventDefault();
    this.queue();
  }

  toCell([down, right]) {
    const { line, column } = this.cells[this.cursor];
    const found = this.cells.findIndex((cell) => cell.line === line + down && cell.column === column + right);
    if (found >= 0) this.cursor = found;
  }

  show(first, share) {
    this.wide.value = share;
    this.slider.value = first;
  }

  // The next narrower or wider stretch that the box offers, about the same middle.
  zoom(way) {
    const shares = [...this.wide.options].map(({ value }) => value).sort((one, other) => this.share(other) - this.share(one));
    const next = shares[shares.indexOf(this.wide.value) + way];
    if (next === undefined) return;
    const [first, last] = this.stretch();
    this.show(next === SEGMENT ? Math.floor((first + last) / 2) : Math.round((first + last - this.bins(next)) / 2), next);
  }

  // By a hundredth of the time, and by a whole bin at least; to the next segment where segments are shown.
  shift(way) {
    const [first, last] = this.stretch();
    if (this.segment()) this.slider.value = way > 0 ? last : first - 1;
    else this.slider.value = first + way * Math.max(1, Math.round(Number(this.slider.max) / 100));
  }

  // Of the whole time; segments stand where they do on average.
  share(stretch) { return stretch === SEGMENT ? 1 / this.store.meta.segments.length : Number(stretch); }

  bins(stretch) { return Math.max(1, Math.round(this.store.meta.series.chip.bins * this.share(stretch))); }

  load(cell) {
    if (cell.row < 0) return { busy: 0, all: 0 };
    return counted(this.store, "chip", cell.row, ...this.stretch(), () => this.queue());
  }

  queue() {
    if (this.queued) return;
    this.queued = true;
    requestAnimationFrame(() => { this.queued = false; this.redraw(); });
  }

  redraw() {
    if (!this.canvas.clientWidth) return;
    const pen = penOn(this.canvas), loads = this.cells.map((cell) => this.load(cell));
    pen.font = "11px " + themed("--sans");
    // Hosts have few links: the scale is that of chips.
    const most = Math.max(...loads.map((load, index) => (this.cells[index].chip && load?.all ? load.busy / load.all : 0)));
    this.slider.disabled = Number(this.wide.value) === 1;
    this.cells.forEach((cell, index) => this.drawCell(pen, cell, loads[index], most, index));
    this.drawNames(pen);
    if (loads.every((load) => load)) this.tell(loads[this.cursor], most);
    else this.readout.textContent = READING;
  }

  drawCell(pen, cell, load, most, index) {
    const x = LABEL + cell.column * this.cellWidth, y = HEAD + cell.line * this.cellHeight;
    // What is still read has no colour.
    if (!load) return;
    pen.fillStyle = load.busy ? mixed(most ? Math.min(load.busy / load.all / most, 1) : 1) : themed("--cold");
    pen.fillRect(x, y, this.cellWidth - CELL_GAP, this.cellHeight - CELL_GAP);
    if (index === this.cursor && this.on) {
      pen.strokeStyle = themed("--ink");
      pen.lineWidth = 2;
      pen.strokeRect(x, y, this.cellWidth - CELL_GAP, this.cellHeight - CELL_GAP);
    }
  }

  drawNames(pen) {
    pen.fillStyle = themed("--quiet");
    pen.textAlign = "right";
    const every = Math.max(1, Math.ceil(12 / this.cellHeight));
    const lines = new Map(this.cells.map((cell) => [cell.line, cell.lineName]));
    for (const [line, name] of lines) {
      if (line % every === 0) pen.fillText(name, LABEL - 6, HEAD + (line + 0.5) * this.cellHeight - 1, LABEL - 8);
    }
    pen.textAlign = "center";
    const apart = Math.max(1, Math.ceil(24 / this.cellWidth));
    for (let column = 0; column < this.columns; column += apart) {
      pen.fillText(column, LABEL + (column + 0.5) * this.cellWidth - 1, HEAD / 2);
    }
  }

  tell(load, most) {
    const { nsPerCycle, series: { chip } } = this.store.meta;
    const ends = this.stretch().map((bin) => edge(this.store, chip, bin));
    const us = ends.map((cycle) => ((cycle * nsPerCycle) / 1000).toFixed(3));
    const span = `${this.segment() ? `${this.segment().name}, ` : ""}cycles ${ends.map((cycle) => number(cycle)).join(" to ")} (${us.join(" to ")} us)`;
    const cell = this.cells[this.cursor];
    this.slider.setAttribute("aria-valuetext", span);
    if (!this.on) { this.readout.textContent = `${span}; full colour is ${percent(most)}, the share of the busiest chip.`; return; }
    const busy = load.all ? `busy ${number(load.busy)} of ${number(load.all)} link-cycles = ${percent(load.busy / load.all)}`
      : "no links in service";
    this.readout.textContent = `${cell.name}, ${span}: ${busy} of the links that leave it. Enter shows them.`;
  }
}

// Where each node lies: a line a tray, a column a position; nodes without trays fill lines of equal length.
function laid(meta) {
  const { nodes, hosts, relays, series } = meta;
  const host = new Set(hosts), row = new Map(series.chip.rows.map((node, index) => [node, index]));
  const trays = new Map(), cells = [], square = Math.ceil(Math.sqrt(nodes.length - hosts.length));
  nodes.forEach((name, node) => {
    const place = host.has(node) ? -1 : name.lastIndexOf("."), tray = host.has(node) ? "hosts" : name.slice(0, Math.max(place, 0));
    const key = tray || `${Math.floor(node / square) * square}`;
    const members = trays.get(key) || trays.set(key, []).get(key);
    members.push({ node, name: host.has(node) ? name : `${relays.includes(node) ? "relay" : "chip"} ${name}`, row: row.get(node) ?? -1, chip: !host.has(node),
      lineName: host.has(node) ? "hosts" : tray ? `tray ${tray}` : `from ${key}` });
  });
  const widest = Math.max(...[...trays].filter(([key]) => key !== "hosts").map(([, members]) => members.length), 1);
  let line = 0;
  for (const members of trays.values()) {
    members.forEach((cell, index) => cells.push({ ...cell, line: line + Math.floor(index / widest), column: index % widest }));
    line += Math.ceil(members.length / widest);
  }
  return cells;
}
