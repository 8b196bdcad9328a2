// Time from left to right, rows from top to bottom: what all panels do alike with mouse, wheel and keys.

const READING = "Reading …";
const GUTTER = 136, AXIS = 26, RIGHT = 8, LEAST_SPAN = 8;
// Room above the rows for what is written there.
const HEADING = 17;

function number(value, decimals = 3) {
  return value.toLocaleString("en-US", { maximumFractionDigits: decimals });
}

// A number of things: `1 cycle`, `2 cycles`.
function things(value, noun) { return `${number(value)} ${noun}${value === 1 ? "" : "s"}`; }

function percent(share) {
  return (100 * share).toFixed(2) + " %";
}

// Asking for a style takes far longer than a bar does to draw, so colours are kept until light turns dark.
const palette = new Map();

function themed(name) {
  if (!palette.has(name)) {
    palette.set(name, getComputedStyle(document.documentElement).getPropertyValue(name).trim());
  }
  return palette.get(name);
}

// A colour of the page's palette as it is shown: in the dark a fifth of the way to white.
function shown(colour) {
  if (themed("--dark") !== "1") return colour;
  if (!palette.has(colour)) {
    const parts = [1, 3, 5].map((place) => parseInt(colour.slice(place, place + 2), 16));
    palette.set(colour, `rgb(${parts.map((part) => Math.round(part + (255 - part) * 0.2)).join(",")})`);
  }
  return palette.get(colour);
}

// Keys of the browser and of the system are left to them.
function ours(event) {
  return !(event.altKey || event.metaKey || event.ctrlKey);
}

// Return a pen on a cleared canvas in CSS pixels.
function penOn(canvas) {
  const scale = devicePixelRatio, wide = Math.round(canvas.clientWidth * scale), high = Math.round(canvas.clientHeight * scale);
  if (canvas.width !== wide) canvas.width = wide;
  if (canvas.height !== high) canvas.height = high;
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
  pen.textBaseline = "middle";
  return pen;
}

class Span {
  constructor(last) {
    Object.assign(this, { last: Math.max(last, LEAST_SPAN), from: 0, to: Math.max(last, LEAST_SPAN), panels: [] });
  }

  show(from, to) {
    const width = Math.min(Math.max(to - from, LEAST_SPAN), this.last);
    this.from = Math.min(Math.max(from, 0), this.last - width);
    this.to = this.from + width;
    for (const panel of this.panels) panel.queue();
  }

  zoom(factor, at) {
    this.show(at - (at - this.from) * factor, at + (this.to - at) * factor);
  }

  pan(share) {
    const step = share * (this.to - this.from);
    this.show(this.from + step, this.to + step);
  }
}

class TimePanel {
  constructor(root, span, nsPerCycle) {
    this.canvas = root.querySelector("canvas");
    this.readout = root.querySelector("output");
    this.span = span;
    this.nsPerCycle = nsPerCycle;
    this.rows = [];
    this.scroll = 0;
    this.cursor = { row: 0, at: 0, on: false };
    span.panels.push(this);
    this.listen(root);
    this.measure();
    new ResizeObserver(() => this.queue()).observe(this.canvas);
  }

  listen(root) {
    const canvas = this.canvas;
    canvas.addEventListener("pointermove", (event) => this.moved(event));
    canvas.addEventListener("pointerleave", () => { this.cursor.on = document.activeElement === canvas; this.queue(); });
    canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); canvas.focus(); });
    canvas.addEventListener("dblclick", () => this.chosen(this.cursor.row));
    canvas.addEventListener("wheel", (event) => this.wheeled(event), { passive: false });
    canvas.addEventListener("keydown", (event) => this.pressed(event));
    canvas.addEventListener("focus", () => { this.cursor.on = true; this.keepCursorInside(); this.queue(); });
    for (const button of root.querySelectorAll("button[data-key]")) {
      button.addEventListener("click", () => this.act(button.dataset.key, false));
    }
  }

  // Asking the page for sizes is slow: once a picture.
  measure() {
    this.width = this.canvas.clientWidth - GUTTER - RIGHT;
    this.height = this.canvas.clientHeight - AXIS;
  }

  get perPixel() { return (this.span.to - this.span.from) / Math.max(this.width, 1); }
  x(cycle) { return GUTTER + (cycle - this.span.from) / this.perPixel; }
  cycle(x) { return this.span.from + (x - GUTTER) * this.perPixel; }

  setRows(rows, headed = false) {
    this.rows = rows;
    let top = headed ? HEADING : 0;
    for (const row of rows) { row.top = top; top += row.height; }
    this.total = top;
    this.cursor.row = Math.min(this.cursor.row, Math.max(rows.length - 1, 0));
    this.canvas.style.height = Math.min(top, this.most) + AXIS + "px";
    this.measure();
    this.queue();
  }

  moved(event) {
    const { offsetX, offsetY } = event;
    if (event.buttons & 1) {
      this.scrollTo(this.scroll - event.movementY);
      this.span.show(this.span.from - event.movementX * this.perPixel, this.span.to - event.movementX * this.perPixel);
    }
    const below = offsetY + this.scroll;
    const row = this.rows.findIndex((each) => below >= each.top && below < each.top + each.height);
    const inside = offsetX >= GUTTER && offsetX < GUTTER + this.width && offsetY < this.height && row >= 0;
    this.cursor = inside ? { row, at: this.cycle(offsetX), on: true } : { ...this.cursor, on: false };
    this.queue();
  }

  wheeled(event) {
    if (!event.ctrlKey && document.activeElement !== this.canvas) return;
    event.preventDefault();
    if (event.shiftKey) this.span.pan((event.deltaY + event.deltaX) / 1000);
    else this.span.zoom(Math.exp(event.deltaY / 400), this.cycle(event.offsetX));
  }

  pressed(event) {
    if (ours(event) && this.act(event.key, event.shiftKey)) event.preventDefault();
  }

  act(key, shift) {
    const middle = this.cursor.on ? this.cursor.at : (this.span.from + this.span.to) / 2;
    const actions = {
      ArrowLeft: () => (shift ? this.step(-1) : this.span.pan(-0.1)),
      ArrowRight: () => (shift ? this.step(1) : this.span.pan(0.1)),
      ArrowUp: () => this.toRow(this.cursor.row - 1),
      ArrowDown: () => this.toRow(this.cursor.row + 1),
      PageUp: () => this.toRow(this.cursor.row - 8),
      PageDown: () => this.toRow(this.cursor.row + 8),
      "+": () => this.span.zoom(1 / 1.5, middle),
      "=": () => this.span.zoom(1 / 1.5, middle),
      "-": () => this.span.zoom(1.5, middle),
      0: () => this.span.show(0, this.span.last),
      Home: () => this.span.show(0, this.span.last),
      Enter: () => this.chosen(this.cursor.row),
    };
    if (!actions[key]) return false;
    actions[key]();
    this.keepCursorInside();
    this.queue();
    return true;
  }

  step(columns) {
    this.cursor.at += columns * this.perPixel;
  }

  toRow(row) {
    if (!this.rows.length) return;
    this.cursor.row = Math.min(Math.max(row, 0), this.rows.length - 1);
    const { top, height } = this.rows[this.cursor.row];
    if (top < this.scroll) this.scrollTo(this.cursor.row ? top : 0);
    if (top + height > this.scroll + this.height) this.scrollTo(top + height - this.height);
  }

  scrollTo(top) {
    this.scroll = Math.min(Math.max(top, 0), Math.max(this.total - this.height, 0));
  }

  keepCursorInside() {
    const { from, to } = this.span;
    if (!(this.cursor.at >= from && this.cursor.at < to)) this.cursor.at = (from + to) / 2;
  }

  chosen() {}

  queue() {
    if (this.queued) return;
    this.queued = true;
    requestAnimationFrame(() => { this.queued = false; this.redraw(); });
  }

  redraw() {
    this.measure();
    if (!this.rows.length) this.readout.textContent = READING;
    if (this.width <= 0 || !this.rows.length) return;
    this.scrollTo(this.scroll);
    const pen = penOn(this.canvas);
    pen.font = "12px " + themed("--sans");
    this.drawAxis(pen);
    pen.save();
    pen.beginPath();
    pen.rect(0, 0, GUTTER + this.width + RIGHT, this.height);
    pen.clip();
    this.before(pen);
    for (const row of this.inView()) this.drawWholeRow(pen, row, row.top - this.scroll, this.rows.indexOf(row));
    this.after(pen);
    pen.restore();
    this.drawCursor(pen);
    this.drawPlace(pen);
    Object.assign(this.canvas.dataset, { from: this.span.from, to: this.span.to });
  }

  // Rows of which anything is seen.
  inView() {
    return this.rows.filter(({ top, height }) => top - this.scroll < this.height && top + height > this.scroll);
  }

  before() {}
  after() {}

  drawWholeRow(pen, row, top, index) {
    pen.fillStyle = themed(index === this.cursor.row && this.cursor.on ? "--ink" : "--quiet");
    pen.textAlign = "right";
    pen.fillText(row.label, GUTTER - 8, top + row.height / 2, GUTTER - 12);
    pen.fillStyle = themed(row.first ? "--edge" : "--line");
    pen.fillRect(row.first ? 0 : GUTTER, Math.round(top + row.height) - 1, this.width + (row.first ? GUTTER : 0), 1);
    pen.save();
    pen.beginPath();
    pen.rect(GUTTER, top, this.width, row.height);
    pen.clip();
    this.drawRow(pen, row, top, index);
    pen.restore();
  }

  drawAxis(pen) {
    const toUs = this.nsPerCycle / 1000, width = (this.span.to - this.span.from) * toUs;
    // Steps are rounded up, up to 2.5 times: of three asked for one at least is left beside the first.
    const rough = width / Math.max(this.width / 110, 3), power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
    const decimals = Math.max(0, Math.min(6, -Math.floor(Math.log10(step))));
    pen.textAlign = "center";
    for (let tick = Math.ceil((this.span.from * toUs) / step); tick * step <= this.span.to * toUs; tick++) {
      const x = this.x((tick * step) / toUs);
      pen.fillStyle = themed("--line");
      pen.fillRect(Math.round(x), 0, 1, this.height + 4);
      pen.fillStyle = themed("--quiet");
      const text = (tick * step).toFixed(decimals), half = pen.measureText(text).width / 2;
      pen.fillText(text, Math.min(x, GUTTER + this.width + RIGHT - half - 1), this.height + 15);
    }
    pen.textAlign = "right";
    pen.fillText("us", GUTTER - 34, this.height + 15);
  }

  // Which of the rows are in view, where not all are.
  drawPlace(pen) {
    if (this.total <= this.height) return;
    const share = this.height / this.total;
    pen.fillStyle = themed("--edge");
    pen.fillRect(GUTTER + this.width + 3, this.scroll * share, 5, this.height * share);
  }

  unseen() {
    const seen = this.rows.filter(({ top, height }) => top >= this.scroll && top + height <= this.scroll + this.height).length;
    return seen < this.rows.length ? ` In view: ${number(seen)} of ${things(this.rows.length, "row")}; drag, or press up and down.` : "";
  }

  drawCursor(pen) {
    const { row, at, on } = this.cursor;
    if (!on || !this.rows[row]) { this.readout.textContent = this.idle() + this.unseen(); return; }
    const { top, height } = this.rows[row], y = top - this.scroll;
    pen.fillStyle = themed("--ink");
    pen.fillRect(Math.round(this.x(at)), 0, 1, this.height);
    pen.strokeStyle = themed("--accent");
    pen.strokeRect(GUTTER + 0.5, y + 0.5, this.width - 1, height - 1);
    this.readout.textContent = this.tell(this.rows[row], at);
  }

  idle() { return ""; }
  when(cycle) { return `${number(cycle)} (${(cycle * this.nsPerCycle / 1000).toFixed(3)} us)`; }
}
