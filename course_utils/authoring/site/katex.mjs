// Equations to HTML: reads a list of {tex, display} as JSON from standard input and writes the list of their HTML.
// The first equation that KaTeX cannot read ends it with a sentence on standard error.
import { readFileSync } from "node:fs";

const [modules, output] = process.argv.slice(2); // where KaTeX is; "htmlAndMathml", or "mathml" for electronic books
const { default: katex } = await import(`${modules}/katex/dist/katex.mjs`);
const equations = JSON.parse(readFileSync(0, "utf8"));
// A character that KaTeX's fonts lack, such as ½, is shown in the page's own font.
const LACKING = ["unknownSymbol", "symbolNotInFont"];
const strict = (code) => (LACKING.includes(code) ? "ignore" : "error");
const drawn = equations.map(({ tex, display }) => {
  try {
    return katex.renderToString(tex, { displayMode: display, output, throwOnError: true, strict });
  } catch (error) {
    console.error(`KaTeX cannot read ${JSON.stringify(tex)}: ${error.message}`);
    process.exit(1);
  }
});
process.stdout.write(JSON.stringify(drawn));
