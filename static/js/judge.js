// [data-judge]: a slider between two things; the words of its place stand below it and are read aloud.
(() => {
  const say = (range) => {
    const box = range.closest("[data-judge]");
    const words = JSON.parse(box.dataset.words)[+range.value - +range.min];
    box.querySelector("output").textContent = words;
    range.setAttribute("aria-valuetext", words);
  };
  for (const range of document.querySelectorAll("[data-judge] input[type=range]")) say(range);
  document.addEventListener("input", (event) => {
    if (event.target.closest?.("[data-judge]")) say(event.target);
  });
})();
