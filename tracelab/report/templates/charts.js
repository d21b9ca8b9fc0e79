// Charts: drawn when they come near the view, again when the reader chooses another part or another light.

const DARK = "screen and (prefers-color-scheme: dark)";
const views = new WeakMap();
let library;

// The drawing library is a script of its own: made one when the first chart needs it.
function drawingLibrary() {
  library ??= unpackText("vega").then((code) => {
    const script = document.createElement("script");
    script.textContent = code;
    document.head.append(script);
    return window.vegaEmbed;
  });
  return library;
}

// Asked anew each time: Chromium tells a list of media no change that it was asked about before it could be told.
function isDark() {
  return matchMedia(DARK).matches;
}

// What is unknown is a dash, as in tables; all else is text, and no markup.
function tooltipText(value) {
  const text = String(value);
  return text === "null" ? "–" : text.replace(/&/g, "&amp;").replace(/</g, "&lt;");
}

async function embed(place, plot, isWanted = () => true) {
  const [vegaEmbed, themes] = await Promise.all([drawingLibrary(), unpack("themes")]);
  const mode = isDark() ? "dark" : "light";
  const config = { ...themes[mode], background: "transparent", padding: { left: 0, right: 4, top: 4, bottom: 0 } };
  const canvas = document.createElement("div");
  const result = await vegaEmbed(canvas, { ...plot, config }, {
    actions: false,
    ast: true, // expressions are interpreted, so that the page may forbid code made from text
    defaultStyle: false,
    mode: "vega-lite",
    renderer: "svg",
    tooltip: { disableDefaultStyle: true, sanitize: tooltipText },
  });
  if (!isWanted()) return result.finalize(); // the reader chose on while it was drawn
  // the place has a name and its numbers a table: nobody has to listen to each mark
  canvas.querySelector("svg").setAttribute("aria-hidden", "true");
  views.get(place)?.finalize();
  views.set(place, result);
  place.replaceChildren(canvas);
  place.classList.add("is-drawn");
}

function say(place, words) {
  views.get(place)?.finalize();
  views.delete(place);
  place.replaceChildren(element("p", { class: "nothing" }, words));
  place.classList.add("is-drawn");
}

async function drawChart(article) {
  const wanted = `${chosenCut()} ${isDark()}`;
  if (article.dataset.drawn === wanted) return;
  article.dataset.drawn = wanted;
  const picture = await unpackCut(`chart-${article.dataset.chart}`);
  if (article.dataset.drawn !== wanted) return;
  const place = article.querySelector(".plot");
  article.querySelector(".population").textContent = picture.subtitle.join("\n");
  article.querySelector(".notes").textContent = picture.notes;
  if (picture.nothing) say(place, picture.nothing);
  else await embed(place, picture.plot, () => article.dataset.drawn === wanted);
}
