// Figures that are drawn in the reader's browser.
//
//   <div class="live" data-figure="guidance"> recorded frames, <p class="live-note">a sentence</p> </div>
//   <script type="module" src="live.js"></script>
//
// Where this file runs, a button takes the sentence's place, and tells how much it would download. Once pressed,
// sliders take the place of the recorded frames, and a worker answers them, so that the page never freezes. Where it
// does not run (a page opened as a file, or without scripts), frames and sentence stay.
//
// What a figure shows is one file in figures/, of its name: `labels`, `written`, `caption` and `scale` (logical pixels
// of one of a picture) for the page, `pictures` for the worker. Its sliders and numbers come from live.json, as the
// course's library wrote them.
//
// After each finished picture the div gets an event "drawn" whose detail holds values, pixels, evaluations, ms.

const here = name => new URL(name, import.meta.url);
const calm = matchMedia("(prefers-reduced-motion: reduce)");

class Live {
  constructor(place, name, about, figure) {
    Object.assign(this, {place, name, about, figure, values: {...about.start}});
    place.live = this;
    this.recorded = [...place.children];
    this.status = element("p", {role: "status", className: "live-status"});
    this.button = element("button", {type: "button"});
    this.button.textContent = `Draw it here (downloads ${megabytes(about.bytes)})`;
    this.button.addEventListener("click", () => this.start());
    place.querySelector(".live-note")?.remove();
    place.append(this.button, this.status);
  }

  start() {
    this.progress = element("progress", {max: this.about.bytes, value: 0, ariaLabel: "Download"});
    this.status.textContent = `Loading ${megabytes(this.about.bytes)} …`;
    this.button.replaceWith(this.progress);
    this.worker = new Worker(here("worker.js"), {type: "module"});
    this.worker.addEventListener("message", ({data}) => this[data.kind](data));
    this.worker.addEventListener("error", event => this.failed({reason: event.message || "the worker did not start"}));
    this.worker.postMessage({kind: "start", name: this.name, about: this.about});
  }

  // What the worker says: loaded, ready, preview, picture, failed.

  loaded({bytes}) {
    this.progress.value = bytes;
  }

  ready() {
    this.build();
    for (const part of this.recorded) part.hidden = true;
    this.progress.replaceWith(this.live);
    this.status.textContent = "";
    if (document.activeElement === document.body) this.first.focus();  // where the button was, that had the focus
    this.ask();
  }

  preview(answer) {
    this.draw(answer);
  }

  picture(answer) {
    this.draw(answer);
    this.image.alt = this.caption.textContent = this.figure.caption(answer.values, answer, this.about);
    this.place.dispatchEvent(new CustomEvent("drawn", {detail: answer, bubbles: true}));
  }

  failed({reason}) {
    this.worker.terminate();
    for (const part of [this.live, this.progress]) part?.remove();
    for (const part of this.recorded) part.hidden = false;
    this.status.textContent = `This figure cannot be drawn here, and its recorded frames stay: ${reason}.`;
  }

  // The figure itself.

  build() {
    this.image = element("img", {alt: ""});
    this.caption = element("figcaption", {ariaLive: "polite"});
    const panel = element("div", {className: "live-panel"});
    panel.append(...Object.keys(this.about.controls).map(name => this.slider(name)));
    this.first = panel.querySelector("input");
    this.live = element("figure", {className: "live-figure"});
    this.live.append(this.image, panel, this.caption);  // words of changing length move no slider
  }

  slider(name) {
    const offered = this.about.controls[name], row = element("label", {}), told = element("output", {});
    const input = element("input", {type: "range", min: 0, max: offered.length - 1});
    input.value = offered.indexOf(this.values[name]);
    const tell = () => {
      this.values[name] = offered[+input.value];
      told.textContent = this.figure.written(name, this.values[name]);
      input.setAttribute("aria-valuetext", told.textContent);
    };
    input.addEventListener("input", () => { tell(); this.ask(); });
    row.append(element("span", {textContent: this.figure.labels[name] ?? name}), input, told);
    tell();
    return row;
  }

  ask() {  // no preview for whoever asked for less motion: the picture then changes once
    this.worker.postMessage({kind: "ask", values: {...this.values}, preview: !calm.matches});
  }

  draw({pixels, columns, side}) {
    const rows = pixels.length / (side * side * columns), step = side + 1;
    const canvas = element("canvas", {width: columns * step - 1, height: rows * step - 1});
    const page = canvas.getContext("2d");
    for (let i = 0; i < rows * columns; i++) {
      const tile = page.createImageData(side, side);
      for (let k = 0; k < side * side; k++) {
        const grey = 255 * pixels[i * side * side + k];
        tile.data.set([grey, grey, grey, 255], 4 * k);  // which rounds and clamps
      }
      page.putImageData(tile, i % columns * step, Math.floor(i / columns) * step);
    }
    this.image.width = this.figure.scale * canvas.width;
    this.image.src = canvas.toDataURL();
  }
}

function element(name, properties) {
  return Object.assign(document.createElement(name), properties);
}

function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

async function enliven() {
  const places = [...document.querySelectorAll("div.live[data-figure]")];
  if (!places.length) return;
  document.head.append(element("link", {rel: "stylesheet", href: here("live.css")}));
  const {figures} = await (await fetch(here("live.json"))).json();
  for (const place of places) {
    const name = place.dataset.figure;
    if (name in figures) new Live(place, name, figures[name], await import(here(`figures/${name}.js`)));
  }
}

await enliven();
