// [data-chart-save="png|svg"]: saves the chart of the key in data-chart-of as a picture, as it is drawn now, on the colour
// of the page. An SVG is drawn anew beside the page, because the one on it is pixels.
(() => {
  const save = (href, name) => {
    const link = Object.assign(document.createElement("a"), { href, download: name });
    document.body.append(link);
    link.click();
    link.remove();
  };
  const ground = () => getComputedStyle(document.body).backgroundColor;
  const asSvg = (chart) => {
    const drawn = echarts.init(null, null, { renderer: "svg", ssr: true, width: chart.getWidth(), height: chart.getHeight() });
    drawn.setOption({ ...chart.getOption(), backgroundColor: ground() });
    const text = drawn.renderToSVGString();
    drawn.dispose();
    return URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-chart-save]");
    if (!button || !window.echarts) return;
    const box = document.querySelector(`[data-chart="${button.dataset.chartOf}"]`);
    const chart = box && echarts.getInstanceByDom(box);
    if (!chart) return;
    const form = button.dataset.chartSave;
    const href = form === "svg" ? asSvg(chart) : chart.getDataURL({ type: "png", pixelRatio: 2, backgroundColor: ground() });
    save(href, `${button.dataset.fileName || "chart"}.${form}`);
    if (form === "svg") setTimeout(() => URL.revokeObjectURL(href), 10000);
  });
})();
