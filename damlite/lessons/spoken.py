"""What a screen reader says of sliders, players and pictures: in JupyterLab ipywidgets gives them no names."""

import ipywidgets

# A view has its parts a moment after the script has run, and others later: hence the observer.
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
}
(function whenShown() {
  const box = element.closest(".widget-vbox");
  if (!box) return requestAnimationFrame(whenShown);
  name(box);
  const watched = {childList: true, subtree: true, attributes: true, attributeFilter: ["class"]};
  new MutationObserver(() => name(box)).observe(box, watched);
})();
"""


def names() -> ipywidgets.Output:
    """A widget without looks that, within a VBox, names sliders, buttons and the picture, by its caption.

    The caption is what an `ipywidgets.HTML` in the box has in its first <em>.
    """
    shown = {"output_type": "display_data", "data": {"application/javascript": SCRIPT}, "metadata": {}}
    return ipywidgets.Output(outputs=(shown,), layout=ipywidgets.Layout(display="none"))
