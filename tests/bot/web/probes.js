// Measures of the page that tests ask for: what sticks out, is too small, has no name, or can't be read.
(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const sketch = (node) => node.outerHTML.slice(0, 90);

  const wide = () => {
    const scroll = document.getElementById("scroll");
    return all("body *")
      .filter((node) => !node.closest(".unseen, dialog:not([open])"))
      .filter((node) => node.getBoundingClientRect().width > 0 && node.getBoundingClientRect().right > innerWidth + 1)
      .map(sketch)
      .concat(document.documentElement.scrollWidth > innerWidth ? ["page"] : [])
      .concat(scroll.scrollWidth > scroll.clientWidth ? ["scroll"] : []);
  };

  const small = () => all("button, a[href], summary, textarea")
    .filter((node) => node.checkVisibility() && !node.closest(".skip"))
    .filter((node) => node.getBoundingClientRect().height < 47.9 || node.getBoundingClientRect().width < 47.9)
    .map(sketch);

  const nameless = () => all("button, a[href], textarea, img, svg[role=img], section, [role=group]")
    .filter((node) => !(node.getAttribute("aria-label") || node.getAttribute("aria-labelledby") || node.innerText?.trim()
      || node.getAttribute("alt") !== null || node.querySelector("img[alt]")?.alt || node.labels?.length))
    .map(sketch);

  const doubledIds = () => {
    const ids = all("[id]").map((node) => node.id);
    return ids.filter((id, place) => ids.indexOf(id) !== place);
  };

  const poorContrast = () => {
    const paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const rgba = (colour) => {
      paint.clearRect(0, 0, 1, 1);
      paint.fillStyle = colour;
      paint.fillRect(0, 0, 1, 1);
      return [...paint.getImageData(0, 0, 1, 1).data];
    };
    const linear = (value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    const light = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
    const ground = (node) => {
      for (; node; node = node.parentElement) {
        const colour = rgba(getComputedStyle(node).backgroundColor);
        if (colour[3] === 255) return colour;
      }
      return [255, 255, 255];
    };
    const poor = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const node = walker.currentNode.parentElement;
      const words = walker.currentNode.data.trim();
      if (!words || !node.checkVisibility() || node.closest(".unseen, .skip, svg, noscript")) continue;
      const [a, b] = [light(rgba(getComputedStyle(node).color)), light(ground(node))].sort((x, y) => y - x);
      const ratio = (a + 0.05) / (b + 0.05);
      if (ratio < 4.5) poor.push([words.slice(0, 20), Math.round(ratio * 10) / 10]);
    }
    return poor;
  };

  return { wide, small, nameless, doubledIds, poorContrast };
})()
