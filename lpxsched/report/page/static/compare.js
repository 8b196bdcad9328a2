// Utilisation of two builds by link class in one picture: the first filled, the second as a line.

class Comparison extends TimePanel {
  constructor(root, stores, span) {
    super(root, span, stores[0].meta.nsPerCycle);
    Object.assign(this, { stores, most: 460 });
    this.ofBox = root.querySelector("[name=of]");
    this.ofBox.addEventListener("change", () => this.queue());
    const names = [...new Set(stores.flatMap(({ meta }) => meta.series.class.names))];
    this.setRows(names.map((label) => ({ label, height: 60,
      index: stores.map(({ meta }) => meta.series.class.names.indexOf(label)) })));
  }

  // Time in the second build's own cycles where the clocks differ: both are drawn over the first one's.
  cyclesOf(build, cycle) {
    return (cycle * this.nsPerCycle) / this.stores[build].meta.nsPerCycle;
  }

  share(row, build, from, to) {
    const { meta } = this.stores[build], series = meta.series.class, index = row.index[build];
    if (index < 0) return { share: 0, busy: 0, whole: 0, from, to };
    const width = series.last / series.bins;
    const first = Math.floor(this.cyclesOf(build, from) / width);
    const last = Math.min(Math.max(Math.floor(this.cyclesOf(build, to) / width), first + 1), series.bins);
    if (first >= series.bins) return { share: 0, busy: 0, whole: 0, from, to };
    const sums = counted(this.stores[build], "class", index, first, last, () => this.queue());
    if (!sums) return { share: 0, busy: 0, whole: 0, from, to, reading: true };
    const whole = this.ofBox.value === "running" ? sums.running : sums.all;
    return { share: whole ? sums.busy / whole : 0, busy: sums.busy, whole, from: first * width, to: last * width };
  }

  before() {
    let most = 0;
    this.reading = false;
    for (const row of this.rows) {
      row.shares = this.stores.map((store, build) => {
        const shares = [];
        for (let x = 0; x < this.width; x++) {
          const from = this.span.from + x * this.perPixel;
          const { share, reading } = this.share(row, build, from, from + this.perPixel);
          if (reading) this.reading = true;
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

  tell(row, at) {
    const from = this.span.from + Math.floor((at - this.span.from) / this.perPixel) * this.perPixel;
    const told = this.stores.map((store, build) => this.share(row, build, from, from + this.perPixel));
    if (told.some(({ reading }) => reading)) return READING;
    const text = told.map(({ share, busy, whole, from: first, to }, build) => row.index[build] < 0 ? `${"AB"[build]} has no such links` : !whole ? `${"AB"[build]} none of its links runs`
      : `${"AB"[build]} cycles ${number(first)} to ${number(to)}: ${number(busy)} of ${number(whole)} link-cycles = ${percent(share)}`);
    const points = (100 * (told[1].share - told[0].share)).toFixed(2);
    return `${row.label}, ${text.join("; ")}; B - A ${points} points`;
  }

  idle() {
    if (this.reading) return READING;
    return `A filled, B as a line; full height is ${percent(this.ceiling || 1)}.`;
  }
}
