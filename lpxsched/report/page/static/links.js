// Single links, slot by slot: a row of one, what is drawn in it, and what is told of it.

function linkRow(store, link, label, more) {
  const links = store.links(), wire = links.wire[link];
  return { label, link, wire: store.meta.wires[wire], pitch: store.pitch(wire), guard: links.guard[link], ...more };
}

// What links of a class are called: some fabrics have one class, which is `link`.
function linksOf(name) { return name === "link" ? "links" : `${name} links`; }

const LEAST_SHADE = 0.12;

// What fills a part of a pixel: its column is as dark as all of that together, but never unseen.
class Shades {
  constructor(panel) { this.shares = new Float64Array(Math.ceil(panel.width) + 1); }

  add(x, share) { this.shares[Math.min(Math.max(Math.floor(x - GUTTER), 0), this.shares.length - 1)] += share; }

  draw(pen, top, high) {
    this.shares.forEach((share, column) => {
      if (!share) return;
      pen.globalAlpha = Math.min(Math.max(share, LEAST_SHADE), 1);
      pen.fillRect(GUTTER + column, top, 1, high);
    });
    pen.globalAlpha = 1;
  }
}

function linkKey(link) { return `link ${link}`; }

// The slots of a link in a block, and the place of the first of them there.
function slotsTaken(block, link) {
  const [place, end] = slotsOf(block, link);
  return { number: block.number, place, depart: block.depart.slice(place, end), vectors: block.vectors.slice(place, end) };
}

function linkSlots(panel, { link }, from, to) {
  const found = panel.store.of(linkKey(link), (block) => slotsTaken(block, link), from, to, () => panel.queue());
  if (found.missing) panel.reading = true;
  return found;
}

// Slots of a link in view, of all passes.
function drawLink(panel, pen, row, top) {
  if (row.link < 0) return;
  pen.fillStyle = shown(panel.store.meta.colours.classes[row.wire.class]);
  const shades = new Shades(panel);
  for (const pass of panel.passes(panel.span.from, panel.span.to)) {
    const from = Math.max(panel.span.from - pass.shift, pass.first), to = Math.min(panel.span.to - pass.shift, pass.last);
    for (const { depart, vectors } of linkSlots(panel, row, from, to)) {
      let slot = Math.max(lastNotAbove(depart, from), 0);
      while (slot < depart.length && depart[slot] < pass.first) slot++;
      for (; slot < depart.length && depart[slot] < to; slot++) {
        const x = panel.x(depart[slot] + pass.shift), wide = (vectors[slot] * row.pitch) / panel.perPixel;
        if (wide < 1) shades.add(x, wide);
        else pen.fillRect(x, top + 2, wide > 4 ? wide - 1 : wide, row.height - 4);
      }
    }
  }
  shades.draw(pen, top + 2, row.height - 4);
}

// What happens on a link at a cycle.
function tellSlot(store, row, at, panel) {
  for (const pass of panel.passes(at, at + 1e-3)) {
    const cycle = at - pass.shift, found = linkSlots(panel, row, cycle, cycle + 1e-3);
    if (found.missing) return READING;
    for (const { number: block, place, depart, vectors } of found) {
      const slot = lastNotAbove(depart, cycle);
      if (slot < 0 || depart[slot] < pass.first || depart[slot] >= pass.last) continue;
      if (cycle >= depart[slot] + vectors[slot] * row.pitch) continue;
      const whole = store.block(block, () => panel.queue());
      return whole ? tellHeld(store, row, whole, place + slot, pass, panel) : READING;
    }
  }
  return `${row.label}, ${row.wire.class}, cycle ${panel.when(Math.floor(at))}: idle`;
}

// A build tells none of a link that its schedule did not count with.
function toldGuard(guard) { return guard < 0 ? "no guard told" : `guard ${number(guard)}`; }

function tellHeld(store, row, block, slot, pass, panel) {
  const names = store.peek("tensors", ([name]) => name, () => panel.queue());
  const depart = block.depart[slot] + pass.shift, read = depart + block.wait[slot], from = block.firstVector[slot];
  const arrives = depart + row.wire.numerator / row.wire.denominator + row.wire.latency;
  const end = depart + block.vectors[slot] * row.pitch;
  const name = names ? store.meta.tensors[names[block.tensor[slot]]] : "…";
  return `${row.label}, ${row.wire.class}: ${name}, vectors ${from} to ${from + block.vectors[slot] - 1}, departs `
    + `${panel.when(depart)}, holds the link until ${number(end)}, there at ${number(arrives)}, read at ${number(read)}: `
    + `${things(read - arrives, "cycle")} later, ${toldGuard(row.guard)}${toldWindow(pass)}`;
}
