// [data-slider]: a slider and the number beside it follow each other. The number alone has a name and is sent; the slider's
// own input event bubbles to the form, which asks again once it rests.
(() => {
  const partner = (target) => {
    const box = target.closest?.("[data-slider]");
    if (!box) return null;
    const range = box.querySelector("[data-slider-range]");
    const number = box.querySelector("input[type=number]");
    return target === range ? [range, number] : target === number ? [number, range] : null;
  };
  document.addEventListener("input", (event) => {
    const pair = partner(event.target);
    if (!pair) return;
    const [moved, other] = pair;
    if (!other) return; // a number without a slider
    if (moved.type === "range") other.value = String(+(+moved.value).toPrecision(10));
    else if (moved.value !== "") other.value = moved.value;
  });
})();
