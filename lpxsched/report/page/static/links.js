// Single links, slot by slot: a row of one, what is drawn in it, and what is told of it.

function linkRow(store, link, label, more) {
  const links = store.links(), wire = links.wire[link];
  return { label, link, wire: store.meta.wires[wire], pitch: store.pitch(wire), guard: links.guard[link], ...more };
}

// Slots of a link in view, of all passes.
function drawLink(panel, pen, row, top) {
  if (row.link < 0) return;
  pen.fillStyle = shown(panel.store.meta.colours[row.wire.class]);
  for (const pass of panel.passes(panel.span.from, panel.span.to)) {
    const from = Math.max(panel.span.from - pass.shift, pass.first), to = Math.min(panel.span.to - pass.shift, pass.last);
    for (const block of panel.store.blocks(from, to, () => panel.queue())) {
      const [first, last] = slotsOf(block, row.link);
      let slot = Math.max(first, lastNotAbove(block.depart, from, first, last));
      while (slot < last && block.depart[slot] < pass.first) slot++;
      for (; slot < last && block.depart[slot] < to; slot++) {
        const x = panel.x(block.depart[slot] + pass.shift), wide = (block.vectors[slot] * row.pitch) / panel.perPixel;
        pen.fillRect(x, top + 2, Math.max(wide > 4 ? wide - 1 : wide, 0.7), row.height - 4);
      }
    }
  }
}

// What happens on a link at a cycle, or what it does in view.
function tellSlot(store, row, at, panel) {
  for (const pass of panel.passes(at, at + 1e-3)) {
    const cycle = at - pass.shift, blocks = store.blocks(cycle, cycle + 1e-3, () => panel.queue());
    if (blocks.missing) return READING;
    for (const block of blocks) {
      const [first, last] = slotsOf(block, row.link), slot = lastNotAbove(block.depart, cycle, first, last);
      if (slot < first || block.depart[slot] < pass.first || block.depart[slot] >= pass.last) continue;
      if (cycle < block.depart[slot] + block.vectors[slot] * row.pitch) return tellHeld(store, row, block, slot, pass, panel);
    }
  }
  return `${row.label}, ${row.wire.class}, cycle ${panel.when(Math.floor(at))}: idle`;
}

function tellHeld(store, row, block, slot, pass, panel) {
  const names = store.peek("tensors", ([name]) => name, () => panel.queue());
  const depart = block.depart[slot] + pass.shift, read = depart + block.wait[slot], from = block.firstVector[slot];
  const arrives = depart + row.wire.numerator / row.wire.denominator + row.wire.latency;
  const end = depart + block.vectors[slot] * row.pitch;
  const name = names ? store.meta.tensors[names[block.tensor[slot]]] : "…";
  return `${row.label}, ${row.wire.class}: ${name}, vectors ${from} to ${from + block.vectors[slot] - 1}, departs `
    + `${panel.when(depart)}, holds the link until ${number(end)}, there at ${number(arrives)}, read at ${number(read)}: `
    + `${number(read - arrives)} cycles later, guard ${number(row.guard)}${toldWindow(pass)}`;
}
