/* What no series and branches can tell: boxes in layers, in an order of few crossings, with curves between them. */

/** A tangle as a piece: longest paths give the layers; columns by resolution, or neighbours' means, the places. */
function layered(layout, element) {
  const width = layout.width(element.u);
  const nodes = element.u.map((number, at) => {
    const mark = layout.mark(number, Math.min(width, Math.max(layout.boxWidth(number), BOX.narrowest)));
    return { mark, left: mark.left, right: mark.right, height: mark.height, layer: 0, x: 0,
      column: element.l?.[at], above: [], below: [] };
  });
  for (const [source, target] of element.e) nodes[target].layer = Math.max(nodes[target].layer, nodes[source].layer + 1);
  const layers = [];
  nodes.forEach((node) => (layers[node.layer] ??= []).push(node));
  for (let at = 0; at < layers.length; at += 1) layers[at] ??= [];
  const paths = element.e.map(([source, target]) => threaded(nodes[source], nodes[target], layers));
  if (element.l) byResolution(layers, Math.max(...nodes.map((node) => node.left + node.right)) + 44);
  else arrange(layers);
  return drawnLayers(layout, element, nodes, layers, paths);
}

/** An edge through every layer it passes: a waypoint in each. */
function threaded(source, target, layers) {
  const path = [source];
  for (let layer = source.layer + 1; layer < target.layer; layer += 1) {
    const column = layer < target.layer - 1 ? source.column : target.column; // it crosses over at its end
    const point = { mark: null, left: 6, right: 6, height: 0, layer, x: 0, column, above: [], below: [] };
    layers[layer].push(point);
    path.push(point);
  }
  path.push(target);
  for (let at = 1; at < path.length; at += 1) {
    path[at - 1].below.push(path[at]);
    path[at].above.push(path[at - 1]);
  }
  return path;
}

/** Maps of one size above one another, the largest at the left. */
function byResolution(layers, pitch) {
  const middle = Math.max(...layers.flat().map((node) => node.column)) / 2;
  for (const layer of layers) {
    layer.sort((a, b) => a.column - b.column || Boolean(b.mark) - Boolean(a.mark));
    spread(layer, layer.map((node) => (node.column - middle) * pitch));
  }
}

/** Order within layers by the mean place of neighbours, down and up, then places as near to them as room allows. */
function arrange(layers) {
  const number = () => layers.forEach((layer) => layer.forEach((node, at) => (node.at = at - (layer.length - 1) / 2)));
  const mean = (nodes, what, otherwise) =>
    nodes.length ? nodes.reduce((sum, node) => sum + node[what], 0) / nodes.length : otherwise;
  number();
  for (let sweep = 0; sweep < 12; sweep += 1) {
    const down = sweep % 2 === 0;
    for (const layer of down ? layers : [...layers].reverse()) {
      layer.forEach((node) => (node.key = mean(down ? node.above : node.below, "at", node.at)));
      layer.sort((a, b) => a.key - b.key || a.at - b.at);
      layer.forEach((node, at) => (node.at = at - (layer.length - 1) / 2));
    }
  }
  layers.forEach((layer) => spread(layer, layer.map(() => 0)));
  for (let sweep = 0; sweep < 16; sweep += 1) {
    const down = sweep % 2 === 0;
    for (const layer of down ? layers : [...layers].reverse()) {
      spread(layer, layer.map((node) => mean(down ? node.above : node.below, "x", node.x)));
    }
  }
}

/** Places in order, none nearer to the next than the boxes allow, the squared distance to the wanted ones least. */
function spread(layer, wanted) {
  let offset = 0;
  const runs = [];
  layer.forEach((node, at) => {
    if (at) offset += layer[at - 1].right + node.left + (node.mark && layer[at - 1].mark ? 30 : 14);
    node.offset = offset;
    const weight = !node.mark ? 2 : node.column === undefined ? 1 : 200; // boxes of a column stay in it
    let run = { sum: weight * (wanted[at] - offset), weight, nodes: [node] };
    while (runs.length && runs[runs.length - 1].sum / runs[runs.length - 1].weight >= run.sum / run.weight) {
      const before = runs.pop();
      run = { sum: before.sum + run.sum, weight: before.weight + run.weight, nodes: before.nodes.concat(run.nodes) };
    }
    runs.push(run);
  });
  for (const run of runs) for (const node of run.nodes) node.x = run.sum / run.weight + node.offset;
}

function drawnLayers(layout, element, nodes, layers, paths) {
  const piece = { left: 0, right: 0, height: 0, marks: [], lines: [], labels: [], entry: "tap", exit: "open", shape: null };
  let y = ROOM.fork;
  for (const layer of layers) {
    const height = Math.max(...layer.map((node) => node.height), 0);
    for (const node of layer) {
      node.y = y;
      node.foot = y + (node.mark ? node.height : height);
    }
    y += height + 40 + Math.min(40, 2 * layer.length);
  }
  piece.height = y - 40 + ROOM.join;
  for (const node of nodes) {
    node.mark.x = node.x;
    node.mark.y = node.y;
    piece.marks.push(node.mark);
    piece.left = Math.max(piece.left, node.left - node.x);
    piece.right = Math.max(piece.right, node.right + node.x);
  }
  for (const path of paths) {
    const points = path.flatMap((node, at) => [
      ...(at ? [[node.x, node.y]] : []), ...(at < path.length - 1 ? [[node.x, node.foot]] : []),
    ]);
    piece.lines.push({ points, arrow: true, curved: true });
    for (const node of path) {
      piece.left = Math.max(piece.left, 6 - node.x);
      piece.right = Math.max(piece.right, 6 + node.x);
    }
  }
  for (const at of element.i) piece.lines.push({ points: [[0, 0], [nodes[at].x, nodes[at].y]], arrow: true, curved: true });
  for (const at of element.x) {
    const node = nodes[at];
    piece.lines.push({ points: [[node.x, node.y + node.height], [0, piece.height]], arrow: false, curved: true });
  }
  piece.shape = layout.model.boxes[element.u[element.x[element.x.length - 1]]].z;
  return piece;
}
