// The critical path over a timeline of chips: its operators, and its hops as lines from departure to read.

class CriticalPath {
  constructor(store, panel) {
    const steps = store.meta.path;
    Object.assign(this, { store, panel, elsewhere: new Set() });
    this.operators = new Set(steps.filter(([, depart]) => depart < 0).map(([operator]) => operator));
    this.hops = steps.filter(([, depart]) => depart >= 0).map(([link, depart, read]) => (
      { link, depart, read, segment: segmentAt(store.meta, depart) }));
  }

  // One row for all nodes that the path meets beside the chips of the view: mostly hosts.
  elsewhereRow(links) {
    const { hosts } = this.store.meta, { view } = this.panel, chips = new Set(view.chips), members = new Set(view.members);
    const nodes = this.hops.filter(({ segment }) => members.has(segment))
      .flatMap(({ link }) => [links.src[link], links.dst[link]]).filter((node) => !chips.has(node));
    this.elsewhere = new Set(nodes.length ? [...nodes, ...hosts] : []);
    const label = nodes.every((node) => hosts.includes(node)) ? "hosts" : "other nodes";
    return nodes.length ? [{ label, type: "elsewhere", height: TALL.traffic, first: true }] : [];
  }

  // Hops between nodes that have rows which meet a time, on the pass on which the path is drawn.
  hopsIn(from, to, links) {
    const { view } = this.panel, seen = new Set([...view.chips, ...this.elsewhere]), found = [];
    for (const { link, depart, read, segment } of this.hops) {
      const shift = view.marked(segment), ends = [links.src[link], links.dst[link]];
      if (shift === undefined || depart + shift > to || read + shift < from || !ends.every((node) => seen.has(node))) continue;
      found.push({ link, ends, depart: depart + shift, read: read + shift });
    }
    return found;
  }

  drawHops(pen) {
    const { panel, store } = this, links = store.links();
    if (!links) return;
    const rowsByKey = new Map(panel.rows.map((row) => [`${row.type} ${row.chip}`, row]));
    const elsewhere = panel.rows.find(({ type }) => type === "elsewhere");
    const rowOf = (node, type) => rowsByKey.get(`${type} ${node}`) || elsewhere;
    pen.strokeStyle = pen.fillStyle = themed("--path");
    pen.lineWidth = 1.5;
    for (const { ends, depart, read } of this.hopsIn(panel.span.from, panel.span.to, links)) {
      const rows = [rowOf(ends[0], "out"), rowOf(ends[1], "in")];
      const places = [depart, read].map((cycle, end) => (
        [Math.max(panel.x(cycle), GUTTER), rows[end].top + rows[end].height / 2 - panel.scroll]));
      pen.beginPath();
      places.forEach(([x, y], index) => (index ? pen.lineTo(x, y) : pen.moveTo(x, y)));
      pen.stroke();
      for (const [x, y] of places) pen.fillRect(x - 2, y - 2, 4, 4);
    }
    pen.lineWidth = 1;
  }

  // What of the path is on the way to or from the nodes of that row.
  tellElsewhere(row, at) {
    const { panel, store } = this, links = store.links(() => panel.queue()), { nodes } = store.meta;
    if (!links) return READING;
    const told = this.hopsIn(at, at, links).filter(({ ends }) => ends.some((node) => this.elsewhere.has(node)))
      .map(({ ends, link, depart, read }) => `${ends.map((node) => nodes[node]).join(" → ")} #${links.lane[link]}, `
        + `departs ${panel.when(depart)}, read at ${number(read)}, on the critical path`);
    return `${row.label}, cycle ${panel.when(Math.floor(at))}: ${told.join("; ") || "no hop of the critical path to or from them"}`;
  }
}
