// plotly.js, for the charts of a page. Trait: `source`, its text as bytes.
//
// anywidget gives a model 2 s to begin, and a slow browser takes longer than that to read 4.8 MB of script. So
// a model begins at once, and the script is read when the first chart asks for it; by then the chart, too, has begun.

async function load(source) {
  // A page may have a loader of modules of its own, which plotly.js would rather be told to.
  const url = URL.createObjectURL(new Blob(["const module = undefined;\n", source], { type: "text/javascript" }));
  try {
    await import(url);
  } finally {
    URL.revokeObjectURL(url);
  }
}

export default {
  initialize({ model }) {
    let loading = null;
    window.dualbrokerPlotly = () => {
      loading ??= load(model.get("source")).catch((problem) => console.error("dualbroker: plotly.js could not be read:", problem));
    };
  },
};
