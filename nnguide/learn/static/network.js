// A network as a graph: nodes with their values, edges as thick as their weights.

import { exact, printed, svg } from "./make.js";

const RADIUS = 22;

export function network(parent, figure, set) {
  const width = Math.max(280, Math.min(parent.clientWidth || 600, 640));
  const most = Math.max(...figure.layers.map(layer => layer.length));
  const height = most * 92 + 30;
  const graph = svg("svg", null, { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": figure.alt });
  const place = ([layer, unit]) => [
    RADIUS + 14 + layer * (width - 2 * RADIUS - 28) / (figure.layers.length - 1),
    height / 2 + (unit - (figure.layers[layer].length - 1) / 2) * 92,
  ];
  const labels = [];
  for (const edge of [...figure.edges].sort((a, b) => a.on - b.on)) {
    const [[x1, y1], [x2, y2]] = [place(edge.from), place(edge.to)];
    const value = edge.weight.value;
    const group = svg("g", graph, { class: `edge ${edge.on ? "on" : ""} ${value < 0 ? "against" : "for"}` });
    const thick = Math.min(7, 1 + 2.5 * Math.abs(value));
    svg("line", group, { x1, y1, x2, y2, "stroke-width": thick });
    if (edge.choose) {
      const wide = svg("line", group, { x1, y1, x2, y2, class: "grip" });
      wide.addEventListener("click", () => set({ [edge.choose[0]]: edge.choose[1] }));
    }
    const along = edge.from[0] === 0 ? 0.25 : 0.55;
    labels.push([x1 + along * (x2 - x1), y1 + along * (y2 - y1), edge]);
  }
  for (const [x, y, edge] of labels) {
    const { title, ...more } = exact(edge.weight);
    svg("text", graph, { x, y: y - 5, class: `weight ${edge.on ? "on" : ""}`, ...more }, printed(edge.weight.value, 3));
  }
  figure.layers.forEach((layer, depth) => layer.forEach((node, unit) => {
    const [x, y] = place([depth, unit]);
    const group = svg("g", graph, { class: "node" });
    svg("circle", group, { cx: x, cy: y, r: RADIUS });
    svg("text", group, { x, y: y - 3, class: "name" }, node.label);
    const { title, ...more } = exact(node.number);
    svg("text", group, { x, y: y + 12, class: "value", ...more }, printed(node.number.value, 3));
    if (node.error) {
      const { title: _, ...errors } = exact(node.error);
      svg("text", group, { x, y: y + RADIUS + 15, class: "error", ...errors }, `δ ${printed(node.error.value, 3)}`);
    }
  }));
  parent.replaceChildren(graph);
}
