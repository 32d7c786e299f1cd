// [data-chart="id"]: draws the option in the JSON script of that id with our theme, and draws it again when the theme
// or the size changes. Inside an option a text "token:--grade-gold" is a colour of tokens.css; "money", "percent",
// "count" and "plain" under facet.format name how numbers read. A datum with "href" is a link.
(() => {
  const charts = new Map();
  const language = document.documentElement.lang || "en";

  const colours = () => {
    const probe = document.createElement("i");
    document.body.append(probe);
    const cache = new Map();
    const read = (name) => {
      if (!cache.has(name)) { probe.style.color = `var(${name})`; cache.set(name, getComputedStyle(probe).color); }
      return cache.get(name);
    };
    return { read, done: () => probe.remove() };
  };

  const resolve = (node, read) => {
    if (typeof node === "string") return node.startsWith("token:") ? read(node.slice(6)) : node;
    if (Array.isArray(node)) return node.map((item) => resolve(item, read));
    if (node && typeof node === "object") return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, resolve(value, read)]));
    return node;
  };

  const wan = (value, digits) => {
    const size = Math.abs(value);
    const names = language.toLowerCase().includes("hant") ? ["億", "萬"] : ["亿", "万"];
    const [by, unit] = size >= 1e8 ? [1e8, names[0]] : size >= 1e4 ? [1e4, names[1]] : [1, ""];
    return new Intl.NumberFormat(language, { maximumFractionDigits: by === 1 ? 0 : digits }).format(value / by) + unit;
  };
  // The same short form as crm/web/formats.py: 6.2M, 812k.
  const western = (value, digits) => {
    const [by, unit] = [[1e9, "B"], [1e6, "M"], [1e3, "k"]].find(([step]) => Math.abs(value) >= step * 0.9995) || [1, ""];
    return new Intl.NumberFormat("en", { maximumFractionDigits: by === 1 ? 0 : digits }).format(value / by).replace("-", "\u2212") + unit;
  };
  const compact = (value, digits = 1) => (document.body.dataset.units === "wan" ? wan : western)(value, digits);
  const formats = {
    money: (value, long) => compact(value, long ? 2 : 1),
    percent: (value, long) => new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: long ? 1 : 0 }).format(value),
    count: (value) => new Intl.NumberFormat(language, { maximumFractionDigits: 0 }).format(value),
    plain: (value) => new Intl.NumberFormat(language, { maximumFractionDigits: 2 }).format(value),
  };

  const axis = (given, kind, read, narrow) => [given].flat().filter(Boolean).map((one) => {
    const valued = one.type === "value";
    const format = formats[one.facetFormat || kind];
    return {
      axisLine: { show: !valued, lineStyle: { color: read("--line-strong") } },
      axisTick: { show: false },
      splitLine: { show: valued, lineStyle: { color: read("--chart-line") } },
      splitNumber: narrow ? 3 : 4,
      ...one,
      nameTextStyle: { color: read("--chart-text"), fontSize: 11, ...one.nameTextStyle },
      axisLabel: { color: read("--chart-text"), fontSize: 11, hideOverlap: true, ...(valued ? { formatter: (value) => format(value) } : {}), ...one.axisLabel },
    };
  });

  // On a phone upright bars lie down: the words stand at the left, the numbers at the end of each bar.
  const flip = (option) => {
    const category = option.xAxis.map((one) => ({ ...one, inverse: true, axisLabel: { ...one.axisLabel, width: 84, overflow: "break" } }));
    return {
      ...option,
      xAxis: option.yAxis,
      yAxis: category,
      grid: { ...option.grid, top: 4, right: 48 },
      series: option.series.map((one) => (one.label ? { ...one, label: { ...one.label, position: "right" } } : one)),
    };
  };

  const build = (spec, read, width) => {
    const option = resolve(spec, read);
    const { format = "plain", flip_narrow: flips } = option.facet || {};
    const show = formats[format];
    const narrow = width < 480;
    delete option.facet;
    const text = { color: read("--text"), fontSize: 12, fontFamily: getComputedStyle(document.body).fontFamily };
    const built = {
      animation: false,
      color: [1, 2, 3, 4, 5].map((number) => read(`--series-${number}`)),
      textStyle: { fontFamily: text.fontFamily, color: read("--chart-text") },
      ...option,
      grid: Array.isArray(option.grid) ? option.grid : { left: 4, right: 8, top: 14, bottom: 2, outerBoundsMode: "same", outerBoundsContain: "axisLabel", ...option.grid },
      aria: { enabled: true, ...option.aria },
      tooltip: {
        renderMode: "richText", confine: true, backgroundColor: read("--raised"), borderColor: read("--line-strong"), borderWidth: 1,
        padding: [7, 10], textStyle: text, valueFormatter: (value) => (typeof value === "number" ? show(value, true) : value ?? "–"),
        axisPointer: { lineStyle: { color: read("--line-strong") }, shadowStyle: { color: read("--hover"), opacity: 0.5 } },
        ...option.tooltip,
      },
    };
    if (built.tooltip.facetFormat === "item-label") {
      // The server wrote each datum's words: exact, localised, the same as in the table below the chart.
      built.tooltip.formatter = (item) => item.data?.tip ?? item.name;
      delete built.tooltip.facetFormat;
    }
    if (option.xAxis) built.xAxis = axis(option.xAxis, format, read, narrow);
    if (option.yAxis) built.yAxis = axis(option.yAxis, format, read, narrow);
    for (const series of [built.series].flat().filter(Boolean)) {
      if (series.label?.facetFormat) { const how = formats[series.label.facetFormat]; series.label.formatter = (item) => { const value = Array.isArray(item.value) ? item.value.at(-1) : item.value; return value === null || value === undefined || value === "-" ? "" : item.data?.label_text ?? how(value); }; }
      if (series.label) series.label = { color: read("--text-2"), fontSize: 11, ...series.label };
    }
    return narrow && flips ? flip(built) : built;
  };

  let printing = false;
  const onPaper = (key, value) => (printing && key === "decal" ? undefined : value);
  const fill = (box, chart) => {
    const palette = colours();
    const spec = JSON.parse(document.getElementById(box.dataset.chart).textContent, onPaper);
    chart.setOption(build(spec, palette.read, box.clientWidth), { notMerge: true });
    palette.done();
  };

  const draw = (box) => {
    const source = document.getElementById(box.dataset.chart);
    if (!source || !window.echarts) return;
    charts.get(box)?.dispose();
    const chart = echarts.init(box, null, { renderer: "canvas" });
    fill(box, chart);
    chart.on("click", (item) => { if (item.data?.href) open(box, item.data); });
    charts.set(box, chart);
    watcher.observe(box);
  };

  const open = (box, datum) => {
    const link = Object.assign(document.createElement("a"), { href: datum.href });
    if (datum.drawer) link.dataset.drawer = "";
    box.append(link);
    link.click();
    link.remove();
  };

  const watcher = new ResizeObserver((entries) => { for (const entry of entries) charts.get(entry.target)?.resize(); });
  const drawAll = (root = document) => { for (const box of root.querySelectorAll("[data-chart]")) if (!charts.has(box)) draw(box); };

  document.addEventListener("htmx:after:swap", () => {
    for (const [box, chart] of charts) if (!box.isConnected) { chart.dispose(); watcher.unobserve(box); charts.delete(box); }
    drawAll();
  });
  new MutationObserver(() => { for (const box of [...charts.keys()]) draw(box); })
    .observe(document.documentElement, { attributes: true, attributeFilter: ["data-bs-theme"] });
  // On paper Chromium loses what was drawn before a pattern, so patterns stay on the screen; words and marks say the same.
  const turn = (isPrinting) => {
    printing = isPrinting;
    for (const [box, chart] of charts) {
      if (document.getElementById(box.dataset.chart)?.textContent.includes('"decal"')) fill(box, chart);
      chart.resize();
    }
  };
  addEventListener("beforeprint", () => turn(true));
  addEventListener("afterprint", () => turn(false));
  drawAll();
})();
