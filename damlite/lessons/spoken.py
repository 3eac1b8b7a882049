"""What a screen reader says of controls and pictures, and keys that reach them: JupyterLab gives them neither."""

import ipywidgets

# A view has its parts a moment after the script has run, and others later: hence the observers. JupyterLab drops the
# alt text that `figures.show` stores; its caption stands below the picture. And in command mode JupyterLab takes arrows
# and letters typed in a list for its own shortcuts.
SCRIPT = """
const words = {play: "play", pause: "pause", stop: "stop", retweet: "repeat"};
function name(box) {
  for (const slider of box.querySelectorAll(".widget-slider")) {
    for (const part of slider.querySelectorAll(".noUi-handle, .widget-readout")) {
      part.setAttribute("aria-label", slider.querySelector(".widget-label").textContent);
      if (part.isContentEditable) part.setAttribute("role", "textbox");
    }
  }
  for (const [icon, word] of Object.entries(words)) {
    for (const drawn of box.querySelectorAll("button > .fa-" + icon)) {
      drawn.parentElement.setAttribute("aria-label", word);
    }
  }
  const caption = box.querySelector(".widget-html-content em");
  for (const picture of box.querySelectorAll("img.widget-image")) picture.alt = caption ? caption.textContent : "";
  for (const list of box.querySelectorAll("select")) list.setAttribute("data-lm-suppress-shortcuts", "");
}
function describe(notebook) {
  for (const picture of notebook.querySelectorAll(".jp-RenderedImage img:not([alt])")) {
    const below = picture.closest(".jp-OutputArea-child").nextElementSibling;
    const caption = below && below.querySelector(".jp-RenderedMarkdown");
    if (caption && caption.textContent.trim()) picture.alt = caption.textContent.trim();  // it is typeset later
  }
}
(function whenShown() {
  const box = element.closest(".widget-vbox");
  if (!box) return requestAnimationFrame(whenShown);
  name(box);
  const watched = {childList: true, subtree: true, attributes: true, attributeFilter: ["class"]};
  new MutationObserver(() => name(box)).observe(box, watched);
  const notebook = box.closest(".jp-Notebook");
  if (!notebook || notebook.dataset.described) return;
  notebook.dataset.described = "yes";
  describe(notebook);
  new MutationObserver(() => describe(notebook)).observe(notebook, {childList: true, subtree: true});
})();
"""


def names() -> ipywidgets.Output:
    """A widget without looks that, within a VBox, names sliders, buttons and the picture, by its caption.

    The caption is what an `ipywidgets.HTML` in the box has in its first <em>. Lists in the box get their own keys, and
    every figure of the notebook gets the caption below it as its alt text.
    """
    shown = {"output_type": "display_data", "data": {"application/javascript": SCRIPT}, "metadata": {}}
    return ipywidgets.Output(outputs=(shown,), layout=ipywidgets.Layout(display="none"))
