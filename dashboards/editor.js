// A text area that proposes what may be named, and hands over its text when one stops writing.
const SHOWN = 8;
const IDLE_MS = 350;

export default function ({ data, parentElement, setStateValue }) {
  const area = parentElement.querySelector("textarea");
  const list = parentElement.querySelector("ul");
  const words = data.words;
  let found = [];
  let at = 0;
  let timer = null;

  // A draft that was made elsewhere takes the place of what is here; one's own text is never put back.
  if (area.dataset.version !== String(data.version)) {
    area.value = data.text;
    area.dataset.version = String(data.version);
    area.dataset.told = data.text;
  }
  area.rows = data.rows;

  const begun = () => (area.value.slice(0, area.selectionStart).match(/[A-Za-z_][A-Za-z0-9_]*$/) || [""])[0];

  const close = () => {
    found = [];
    list.replaceChildren();
    list.hidden = true;
    area.setAttribute("aria-expanded", "false");
  };

  const draw = () => {
    list.replaceChildren(
      ...found.map((word, place) => {
        const item = document.createElement("li");
        item.setAttribute("role", "option");
        item.setAttribute("aria-selected", String(place === at));
        const name = document.createElement("b");
        name.textContent = word.name;
        const said = document.createElement("span");
        said.textContent = word.said;
        item.append(name, said);
        item.onmousedown = (event) => {
          event.preventDefault();
          at = place;
          take();
        };
        return item;
      }),
    );
    list.hidden = found.length === 0;
    area.setAttribute("aria-expanded", String(found.length > 0));
  };

  const look = () => {
    const start = begun().toLowerCase();
    if (start.length < 2) return close();
    const begins = words.filter((word) => word.name.toLowerCase().startsWith(start));
    const holds = words.filter((word) => !begins.includes(word) && word.name.toLowerCase().includes(start));
    found = [...begins, ...holds].slice(0, SHOWN);
    if (found.length === 1 && found[0].name === begun()) return close();
    at = 0;
    draw();
  };

  const hand = () => {
    if (area.value === area.dataset.told) return;
    area.dataset.told = area.value;
    setStateValue("text", area.value);
  };

  // Never at once: drawing the page anew under a click would swallow it.
  const tell = () => {
    clearTimeout(timer);
    timer = setTimeout(hand, IDLE_MS);
  };

  const take = () => {
    const end = area.selectionStart;
    area.setRangeText(found[at].name, end - begun().length, end, "end");
    close();
    area.focus();
    tell();
  };

  area.oninput = () => {
    look();
    tell();
  };
  area.onblur = () => {
    close();
    tell();
  };
  area.onkeydown = (event) => {
    if (list.hidden) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      at = (at + step + found.length) % found.length;
      draw();
    } else if (event.key === "Enter" || event.key === "Tab") {
      take();
    } else if (event.key === "Escape") {
      close();
    } else {
      return;
    }
    event.preventDefault();
  };
  return () => clearTimeout(timer);
}
