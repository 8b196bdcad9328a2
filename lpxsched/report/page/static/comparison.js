// Utilisation of two builds by link class in one picture: the first filled, the second as a line.

class Comparison extends TimePanel {
  constructor(root, stores, span) {
    super(root, span, stores[0].meta.nsPerCycle);
    Object.assign(this, { stores, most: 460 });
    this.ofBox = root.querySelector("[name=of]");
    this.ofBox.addEventListener("change", () => this.queue());
    const names = [...new Set(stores.flatMap(({ meta }) => meta.series.class.names))];
    this.setRows(names.map((label) => ({ label, height: 60,
      index: stores.map(({ meta }) => meta.series.class.names.indexOf(label)) })), this.ends().length > 0);
  }

  // Time in the second build's own cycles where the clocks differ: both are drawn over the first one's.
  cyclesOf(build, cycle) {
    return (cycle * this.nsPerCycle) / this.stores[build].meta.nsPerCycle;
  }

  share(row, build, from, to) {
    const store = this.stores[build], { series: { class: series }, total, period } = store.meta, index = row.index[build];
    const nothing = { share: 0, busy: 0, whole: 0 }, width = series.last / series.bins;
    if (index < 0) return nothing;
    const cycles = this.cyclesOf(build, to - from);
    const begin = this.cyclesOf(build, from), start = period ? begin % total : begin;
    const first = Math.floor(start / width), last = Math.max(Math.floor((start + cycles) / width), first + 1);
    if (!period && first >= series.bins) return { ...nothing, over: true };
    const sums = this.summed(store, index, first, period ? last : Math.min(last, series.bins));
    if (!sums) return { ...nothing, reading: true };
    const whole = this.ofBox.value === "running" ? sums.running : sums.all;
    return { share: whole ? sums.busy / whole : 0, busy: sums.busy, whole, first, last };
  }

  // Sums of bins a .. b - 1; bins behind the last one are those of further periods.
  summed(store, index, first, last) {
    const { bins } = store.meta.series.class, found = { busy: 0, running: 0, all: 0 };
    const redraw = () => this.queue(), turns = Math.max(Math.floor(last / bins) - 1, 0);
    const parts = last <= bins ? [[first, last, 1]] : [[first, bins, 1], [0, bins, turns], [0, last % bins, 1]];
    for (const [from, to, times] of parts) {
      const part = counted(store, "class", index, from, to, redraw);
      if (!part) return undefined;
      for (const name of Object.keys(found)) found[name] += times * part[name];
    }
    return found;
  }

  before() {
    let most = 0;
    this.reading = false;
    for (const row of this.rows) {
      row.shares = this.stores.map((store, build) => {
        const shares = [];
        for (let x = 0; x < this.width; x++) {
          const from = this.span.from + x * this.perPixel;
          const { share, reading, over } = this.share(row, build, from, from + this.perPixel);
          if (reading) this.reading = true;
          if (over) break;
          shares.push(share);
        }
        most = Math.max(most, ...shares);
        return shares;
      });
    }
    this.ceiling = STEPS.find((step) => step >= most) || Math.max(1, most);
  }

  drawRow(pen, row, top) {
    const bottom = top + row.height - 2, full = row.height - 5;
    pen.fillStyle = themed("--first");
    row.shares[0].forEach((share, x) => pen.fillRect(GUTTER + x, bottom - (full * share) / this.ceiling, 1, (full * share) / this.ceiling));
    if (row.index[1] < 0) return;
    pen.strokeStyle = themed("--second");
    pen.lineWidth = 1.2;
    pen.beginPath();
    row.shares[1].forEach((share, x) => pen.lineTo(GUTTER + x, bottom - (full * share) / this.ceiling));
    pen.stroke();
    pen.lineWidth = 1;
  }

  // Where builds end that the other outlasts, by their names; what repeats never does.
  ends() {
    const found = this.stores.map(({ meta }, build) => ({ name: "AB"[build], period: meta.period,
      end: (meta.total * meta.nsPerCycle) / this.nsPerCycle }));
    return found.filter(({ period, end }) => !period && end <= this.span.last - 0.5);
  }

  after(pen) {
    for (const { name, end } of this.ends()) {
      const x = Math.round(this.x(end));
      if (x < GUTTER || x >= GUTTER + this.width) continue;
      const text = `${name} ends`, left = x + pen.measureText(text).width + 8 > GUTTER + this.width;
      pen.fillStyle = themed("--ink");
      pen.fillRect(x, 0, 1, this.height);
      pen.textAlign = left ? "right" : "left";
      pen.fillText(text, x + (left ? -4 : 5), HEADING / 2 - this.scroll);
    }
  }

  // Where a bin begins; cycles of further periods are counted on.
  edge({ meta }, bin) {
    const { last, bins } = meta.series.class, cycle = (bin * last) / bins;
    return meta.period ? cycle : Math.min(cycle, meta.total);
  }

  tell(row, at) {
    const from = this.span.from + Math.floor((at - this.span.from) / this.perPixel) * this.perPixel;
    const told = this.stores.map((store, build) => this.share(row, build, from, from + this.perPixel));
    if (told.some(({ reading }) => reading)) return READING;
    const text = told.map(({ share, busy, whole, first, last, over }, build) => {
      const name = "AB"[build], store = this.stores[build];
      if (row.index[build] < 0) return `${name} has no such links`;
      if (!whole) return over ? `${name} is over` : `${name} none of its links runs`;
      const after = last > store.meta.series.class.bins ? " and those after it" : "", of = store.meta.period ? ` of its period${after}` : "";
      const span = `cycles ${number(this.edge(store, first))} to ${number(this.edge(store, last))}${of}`;
      return `${name} ${span}: ${number(busy)} of ${number(whole)} link-cycles = ${percent(share)}`;
    });
    const points = row.index.some((index) => index < 0) ? "-" : `${(100 * (told[1].share - told[0].share)).toFixed(2)} points`;
    return `${row.label}, ${text.join("; ")}; B - A ${points}`;
  }

  idle() {
    if (this.reading) return READING;
    return `A filled, B as a line; full height is ${percent(this.ceiling || 1)}.`;
  }
}
