// What a page of the site does by itself: regions that slide can be reached by key, and the glossary's filter.

const SLIDING = ".equation, .bd-article pre, .pst-scrollable-table-container, .map";

function reachable() {
  for (const region of document.querySelectorAll(SLIDING)) {
    if (region.scrollWidth > region.clientWidth + 1) region.tabIndex = 0;
    else region.removeAttribute("tabindex");
  }
}

function filter(glossary) {
  const row = glossary.querySelector(".filter"), input = row.querySelector("input");
  const terms = [...glossary.querySelectorAll("tbody tr")];
  row.hidden = false;
  input.addEventListener("input", () => {
    const wanted = input.value.trim().toLowerCase();
    for (const term of terms) term.hidden = !term.textContent.toLowerCase().includes(wanted);
    const found = terms.filter(term => !term.hidden).length;
    row.querySelector("output").textContent = wanted ? `${found} of ${terms.length} terms` : "";
  });
}

reachable();
addEventListener("resize", reachable);
document.addEventListener("toggle", reachable, true);
document.fonts.ready.then(reachable);
document.querySelectorAll(".glossary").forEach(filter);
