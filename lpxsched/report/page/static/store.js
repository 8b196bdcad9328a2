// What a build's page holds: columns are inflated when something asks for them. Blocks of slots are dropped when others
// need the room; what rows took of them stays as long as it is in view.

// So many are inflated at once: what else is asked for comes when it is asked for again.
const MOST_COMING = 6;
const SLOTS = "slots.";

function fromBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

async function inflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Undo `blobs.py`: planes of bytes, folded signs, differences.
function unpacked(bytes, layout) {
  const columns = [];
  let place = 0;
  for (const [rows, width, delta] of layout) {
    const column = new Float64Array(rows);
    let sum = 0, largest = 0;
    for (let row = 0; row < rows; row++) {
      let folded = 0;
      for (let plane = width - 1; plane >= 0; plane--) folded = folded * 256 + bytes[place + plane * rows + row];
      const half = Math.floor(folded / 2);
      const value = folded % 2 ? -half - 1 : half;
      sum = delta ? sum + value : value;
      column[row] = sum;
      largest = Math.max(largest, Math.abs(sum));
    }
    columns.push(largest < 2 ** 31 ? new Int32Array(column) : column);
    place += rows * width;
  }
  return columns;
}

// Those who drive a browser can see when all is there.
function inflating(more) {
  const { dataset } = document.documentElement;
  dataset.inflating = Number(dataset.inflating || 0) + more;
}

// What is kept by name, the least recently asked for first.
class Room {
  constructor(bytes) {
    Object.assign(this, { most: bytes, bytes: 0, things: new Map() });
  }

  get(name) {
    const found = this.things.get(name);
    if (found === undefined) return undefined;
    this.things.delete(name);
    this.things.set(name, found);
    return found.value;
  }

  // Keep a thing; drop others that nothing stays for until all have room.
  put(name, value, stays = () => false) {
    const bytes = bytesOf(value);
    this.things.set(name, { value, bytes });
    this.bytes += bytes;
    for (const [oldest, { bytes: freed }] of this.things) {
      if (this.bytes <= this.most) break;
      if (oldest === name || stays(oldest)) continue;
      this.things.delete(oldest);
      this.bytes -= freed;
    }
  }
}

function bytesOf(thing) {
  if (ArrayBuffer.isView(thing)) return thing.byteLength;
  if (!thing || typeof thing !== "object") return 0;
  return Object.values(thing).reduce((sum, each) => sum + bytesOf(each), 0);
}

class Store {
  constructor(meta, prefix) {
    this.meta = meta;
    this.prefix = prefix;
    this.kept = new Map();
    this.coming = new Map();
    this.waiting = new Set();
    this.blocks = new Room(meta.room);
    this.parts = new Room(meta.room);
    this.wanted = new Map();
    this.viewers = new Map();
  }

  // Return what `make` makes of a blob's columns; undefined until they are inflated, when `redraw` is called.
  peek(name, make, redraw) {
    const found = this.kept.get(name) ?? this.blocks.get(name);
    if (found !== undefined) return found;
    if (redraw) this.waiting.add(redraw);
    if (!this.coming.has(name) && (this.coming.size < MOST_COMING || !redraw)) {
      inflating(1);
      this.coming.set(name, this.load(name, make).finally(() => inflating(-1)));
    }
    return undefined;
  }

  async load(name, make) {
    const text = document.getElementById(this.prefix + name).textContent;
    const columns = unpacked(await inflated(fromBase64(text)), this.meta.layouts[name]);
    const value = make ? make(columns) : columns;
    if (name.startsWith(SLOTS)) this.arrived(name, value);
    else this.kept.set(name, value);
    this.coming.delete(name);
    const redraws = [...this.waiting];
    this.waiting.clear();
    for (const redraw of redraws) redraw();
    return value;
  }

  links(redraw) {
    return this.peek("links", (columns) => this.indexedLinks(columns), redraw);
  }

  indexedLinks([src, dst, lane, wire, guard, down, slots]) {
    const nodes = this.meta.nodes.length;
    return { src, dst, lane, wire, guard, down, slots, leaving: grouped(src, nodes), entering: grouped(dst, nodes) };
  }

  operators(redraw) {
    const make = ([chip, unit, kind, layer, start, cycles, segment]) => ({
      chip, unit, kind, layer, start, cycles, segment, of: grouped(chip, this.meta.nodes.length),
    });
    return this.peek("operators", make, redraw);
  }

  // Take of a block what rows wait for before it may be dropped.
  arrived(name, block) {
    this.blocks.put(name, block);
    for (const [key, take] of this.wanted.get(block.number) || []) this.taken(block, key, take);
    this.wanted.delete(block.number);
  }

  taken(block, key, take) {
    const part = take(block);
    let inView;
    const stays = (name) => {
      inView ??= new Set([...this.viewers.values()].flatMap((keys) => keys()));
      return inView.has(name.slice(name.indexOf(" ") + 1));
    };
    this.parts.put(`${block.number} ${key}`, part, stays);
    return part;
  }

  // Return what `take` takes for a row, named by its key, of each block that a stretch of time meets and that was ever
  // inflated while the row was in view; `missing` tells whether others come.
  of(key, take, from, to, redraw) {
    const { blocks } = this.meta, found = [];
    found.missing = false;
    for (let number = 0; number < blocks.length && blocks[number][0] < to; number++) {
      if (blocks[number][1] <= from) continue;
      const part = this.parts.get(`${number} ${key}`) ?? this.takenNow(number, key, take, redraw);
      if (part) found.push(part);
      else found.missing = true;
    }
    return found;
  }

  takenNow(number, key, take, redraw) {
    const block = this.block(number, redraw);
    if (block) return this.taken(block, key, take);
    if (!this.wanted.has(number)) this.wanted.set(number, new Map());
    this.wanted.get(number).set(key, take);
    return undefined;
  }

  block(number, redraw) {
    return this.peek(SLOTS + number, (columns) => indexedSlots(number, this.meta.blocks[number][0], columns), redraw);
  }

  pitch(wire) {
    const kind = this.meta.wires[wire];
    return kind.pitch / kind.denominator;
  }
}

// Departures and first vectors are told from the slot before on the same link.
function indexedSlots(number, start, [links, count, numerator, denominator, begin, free, vectors, wait, tensor, ahead]) {
  const first = new Int32Array(count.length + 1);
  const depart = new Float64Array(free.length), firstVector = new Int32Array(free.length);
  for (let row = 0; row < count.length; row++) {
    first[row + 1] = first[row] + count[row];
    for (let slot = first[row], end = start, next = begin[row]; slot < first[row + 1]; slot++) {
      depart[slot] = end + free[slot];
      firstVector[slot] = next + ahead[slot];
      end = depart[slot] + Math.ceil((vectors[slot] * numerator[row]) / denominator[row]);
      next = firstVector[slot] + vectors[slot];
    }
  }
  return { number, links, first, depart, vectors, wait, tensor, firstVector };
}

// First slot of a link in a block, and the one after its last.
function slotsOf(block, link) {
  const row = lastNotAbove(block.links, link);
  return row >= 0 && block.links[row] === link ? [block.first[row], block.first[row + 1]] : [0, 0];
}

// Return for each group the rows that are in it, as [first, rows]: those of group g lie at first[g] .. first[g + 1].
function grouped(group, groups) {
  const first = new Int32Array(groups + 1);
  for (const number of group) first[number + 1]++;
  for (let number = 0; number < groups; number++) first[number + 1] += first[number];
  const next = first.slice(), rows = new Int32Array(group.length);
  for (let row = 0; row < group.length; row++) rows[next[group[row]]++] = row;
  return { first, rows, of: (number) => rows.subarray(first[number], first[number + 1]) };
}

// Return the last place in a sorted column whose value is not above; -1 where all are.
function lastNotAbove(sorted, value, low = 0, high = sorted.length) {
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

// How long things are held, summed over those that overlap.
class Held {
  constructor(starts, ends) {
    this.starts = Held.passed(Float64Array.from(starts).sort());
    this.ends = Held.passed(Float64Array.from(ends).sort());
    this.length = starts.length;
    this.first = this.starts.moments[0] ?? 0;
    this.last = this.ends.moments[ends.length - 1] ?? 0;
  }

  static passed(moments) {
    const sums = new Float64Array(moments.length + 1);
    moments.forEach((moment, row) => { sums[row + 1] = sums[row] + moment; });
    return { moments, sums };
  }

  static since({ moments, sums }, at) {
    const count = lastNotAbove(moments, at) + 1;
    return count * at - sums[count];
  }

  // Busy time of columns that follow each other.
  profile(from, width, columns) {
    const found = new Float64Array(columns);
    let [start, end] = [lastNotAbove(this.starts.moments, from) + 1, lastNotAbove(this.ends.moments, from) + 1];
    let before = start * from - this.starts.sums[start] - end * from + this.ends.sums[end];
    for (let column = 0; column < columns; column++) {
      const at = from + (column + 1) * width;
      while (start < this.starts.moments.length && this.starts.moments[start] <= at) start++;
      while (end < this.ends.moments.length && this.ends.moments[end] <= at) end++;
      const after = start * at - this.starts.sums[start] - end * at + this.ends.sums[end];
      found[column] = after - before;
      before = after;
    }
    return found;
  }

  busy(from, to) {
    return Held.since(this.starts, to) - Held.since(this.starts, from)
      - Held.since(this.ends, to) + Held.since(this.ends, from);
  }
}
