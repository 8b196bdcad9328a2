// Read the descriptions, and give each section of the page its panel.

function start() {
  const described = JSON.parse(document.getElementById("described").textContent);
  const stores = described.map((meta, index) => new Store(meta, `${"ab"[index]}.`));
  const section = (name) => document.getElementById(name);
  const panels = [];
  if (stores.length === 2) {
    // Both from their start to their end, or a period of both.
    const repeat = stores.every(({ meta }) => meta.period);
    const lasts = stores.map(({ meta }) => ((repeat ? meta.total : meta.length) * meta.nsPerCycle) / stores[0].meta.nsPerCycle);
    panels.push(new Comparison(section("utilisation"), stores, new Span(Math.max(...lasts))));
  } else {
    const [store] = stores;
    const utilisation = new Utilisation(section("utilisation"), store, new Span(store.meta.total));
    const timeline = new Timeline(section("timeline"), store, new Span(store.meta.length));
    const choose = (node) => { utilisation.showLinksOf(node); timeline.showChip(node); };
    panels.push(utilisation, timeline, new Fabric(section("fabric"), store, choose));
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    palette.clear();
    for (const panel of panels) panel.queue();
  });
}

start();
