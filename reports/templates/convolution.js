// The page's convolution to play with: one pass by one algorithm, and a picture under a kernel.
const play = async (reprise, { shape, algorithm, pass }) =>
  reprise.ccall('reprise_convolve', null, ['string', 'string', 'string'], [shape, algorithm, pass]);
const filter = async (reprise, { picture, height, width, kernel, algorithm }, tell) => {
  const floats = numbers => new Uint8Array(new Float32Array(numbers).buffer);
  const place = reprise.ccall('reprise_filter', 'number', ['array', 'number', 'number', 'array', 'string'],
                              [floats(picture), height, width, floats(kernel), algorithm]) / 4;
  if (place > 0) tell({ kind: 'filtered', result: reprise.HEAPF32.slice(place, place + picture.length) });
};
const kernels = {
  'edges, left to right': [-1, 0, 1, -2, 0, 2, -1, 0, 1],
  'edges, top to bottom': [-1, -2, -1, 0, 0, 0, 1, 2, 1],
  'all edges': [-1, -1, -1, -1, 8, -1, -1, -1, -1],
  blur: [1, 2, 1, 2, 4, 2, 1, 2, 1].map(weight => weight / 16),
};
let [player, moving] = [null, 0];

// Shows picture, kernel and the result up to one position after the other.
function drawFiltered({ picture, height, width, kernel }, { result }) {
  const [canvas, size, right] = [element('canvas'), 8, width + 8];
  const context = canvas.getContext('2d');
  const [darkest, brightest] = [Math.min(...result), Math.max(...result)];
  [canvas.width, canvas.height] = [size * (right + width), size * height];
  const cell = (x, y, value, side = size) => {
    const gray = Math.round(255 * value);
    context.fillStyle = `rgb(${gray}, ${gray}, ${gray})`;
    context.fillRect(size * x, size * y, side, side);
  };
  const draw = done => {
    context.clearRect(0, 0, canvas.width, canvas.height);
    picture.forEach((value, i) => cell(i % width, Math.floor(i / width), value));
    kernel.forEach((value, i) =>
      cell(width + 1 + 2 * (i % 3), height / 2 - 3 + 2 * Math.floor(i / 3), (value / 8 + 1) / 2, 2 * size));
    result.subarray(0, done).forEach((value, i) =>
      cell(right + i % width, Math.floor(i / width), (value - darkest) / (brightest - darkest || 1)));
    const [x, y] = [(done - 1) % width, Math.floor((done - 1) / width)];
    Object.assign(context, { strokeStyle: '#d04000', lineWidth: 2 });
    context.strokeRect(size * (x - 1), size * (y - 1), 3 * size, 3 * size);
    context.strokeRect(size * (right + x), size * y, size, size);
    const at = (column, row) => (column >= 0 && column < width && picture[row * width + column]) || 0;
    const products = kernel.map((weight, i) => weight * at(x + i % 3 - 1, y + Math.floor(i / 3) - 1));
    const sum = products.map(product => product.toFixed(2)).join(' + ');
    element('sum').textContent = `Row ${y}, column ${x}: ${sum} = ${result[done - 1].toFixed(2)}`;
  };
  clearInterval(moving);
  let done = matchMedia('(prefers-reduced-motion: reduce)').matches ? result.length : 1;
  draw(done);
  moving = setInterval(() => (done < result.length ? draw(done += 1) : clearInterval(moving)), 40);
}

// A row of the table, which says in place of numbers why there are none.
function addConvolution({ shape, pass, algorithm }, told) {
  const status = told.status.replace('unsupported', 'not offered for this shape and pass');
  const numbers = told.ms === 0 ? [status] : [told.ms.toFixed(2), (told.flops / told.ms / 1e6).toFixed(2),
    told.worst_ulp.toFixed(2), told.rms_relative.toExponential(1), codeOf(told.result)];
  const row = element('convolutions').insertRow();
  for (const content of [shape, pass, algorithm, ...numbers]) row.insertCell().append(content);
  row.cells[3].colSpan = 6 - numbers.length;
  return told.ms === 0 ? `${algorithm}: ${status}` : 'Done.';
}

// Asks the player for one job; it goes on living, as building the module takes a second.
function ask(message) {
  const state = (text, atWork = false) => {
    element('played').textContent = text;
    for (const name of ['play', 'filter']) element(name).disabled = atWork;
  };
  const close = text => {
    player.terminate();
    player = null;
    state('The convolution ended: ' + reason(text));
  };
  player ??= newWorker();
  state('At work …', true);
  player.onerror = event => close(event.message || 'the browser gave no reason');
  player.onmessage = ({ data }) => {
    if (data.kind === 'error') return close(data.text);
    if (data.kind === 'filtered') drawFiltered(message, data);
    state(data.kind === 'convolved' ? addConvolution(message, data) : 'Done.');
  };
  player.postMessage({ ...message, wasm: bytesOf(element('wasm').textContent) });
}

async function showFiltered(file) {
  const bytes = await unpacked(bytesOf(file.textContent), file.dataset.name);
  const [count, height, width] = [4, 8, 12].map(at => new DataView(bytes.buffer).getUint32(at));
  const start = 16 + Number(numberIn('image', 'Test image', 0, count - 1)) * height * width;
  if (element('filter').disabled) return; // another job began meanwhile
  ask({ job: 'filter', algorithm: element('algorithm').value, kernel: kernels[element('kernel').value], height, width,
        picture: [...bytes.subarray(start, start + height * width)].map(pixel => pixel / 255) });
}

function makePlayable() {
  for (const name of Object.keys(kernels)) element('kernel').add(new Option(name));
  const file = document.querySelector('script.file[data-name*="t10k-images"]');
  element('under').hidden = file === null;
  for (const name of ['play', 'filter']) element(name).disabled = false;
  element('filter').addEventListener('click', () => showFiltered(file).catch(error => {
    element('played').textContent = error.message;
  }));
  element('play').addEventListener('click', () => ask({ job: 'play', shape: element('shape').value,
    pass: element('pass').value, algorithm: element('algorithm').value }));
}
