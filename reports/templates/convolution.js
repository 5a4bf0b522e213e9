// The page's convolution to play with: one pass by one algorithm, and a picture under a kernel.
const play = async (reprise, { shape, algorithm, pass }) => {
  reprise.ccall('reprise_convolve', null, ['string', 'string', 'string'], [shape, algorithm, pass]);
};
const filter = async (reprise, { numbers, algorithm }, tell) => {
  reprise.FS.writeFile('/picture', new Uint8Array(numbers.buffer));
  reprise.ccall('reprise_filter', null, ['string', 'string', 'string'], ['/picture', '/filtered', algorithm]);
  tell({ kind: 'filtered', numbers, result: new Float32Array(reprise.FS.readFile('/filtered').buffer) });
};
const kernels = {
  'edges, left to right': [-1, 0, 1, -2, 0, 2, -1, 0, 1],
  'edges, top to bottom': [-1, -2, -1, 0, 0, 0, 1, 2, 1],
  'all edges': [-1, -1, -1, -1, 8, -1, -1, -1, -1],
  blur: [1, 2, 1, 2, 4, 2, 1, 2, 1].map(weight => weight / 16),
};
let player = null;
let moving = 0;

// Shows input, kernel and the result up to one position after the other.
function drawFiltered(numbers, result) {
  const [height, width] = numbers;
  const [kernel, input] = [numbers.subarray(2, 11), numbers.subarray(11)];
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
    input.forEach((value, i) => cell(i % width, Math.floor(i / width), value));
    kernel.forEach((value, i) =>
      cell(width + 1 + 2 * (i % 3), height / 2 - 3 + 2 * Math.floor(i / 3), (value / 8 + 1) / 2, 2 * size));
    result.subarray(0, done).forEach((value, i) =>
      cell(right + i % width, Math.floor(i / width), (value - darkest) / (brightest - darkest || 1)));
    const [x, y] = [(done - 1) % width, Math.floor((done - 1) / width)];
    context.strokeStyle = '#d04000';
    context.lineWidth = 2;
    context.strokeRect(size * (x - 1), size * (y - 1), 3 * size, 3 * size);
    context.strokeRect(size * (right + x), size * y, size, size);
    const products = [...kernel].map((weight, i) => {
      const [column, row] = [x + i % 3 - 1, y + Math.floor(i / 3) - 1];
      return weight * (column >= 0 && column < width && row >= 0 && row < height ? input[row * width + column] : 0);
    });
    const sum = products.map(product => product.toFixed(2)).join(' + ');
    element('sum').textContent = `Row ${y}, column ${x}: ${sum} = ${result[done - 1].toFixed(2)}`;
  };
  clearInterval(moving);
  let done = matchMedia('(prefers-reduced-motion: reduce)').matches ? result.length : 1;
  draw(done);
  moving = setInterval(() => (done < result.length ? draw(done += 1) : clearInterval(moving)), 40);
}

function addConvolution(asked, told) {
  const row = element('convolutions').insertRow();
  const code = document.createElement('code');
  code.append(told.result);
  const timed = told.ms > 0;
  for (const content of [asked.shape, asked.pass, asked.algorithm, timed ? told.ms.toFixed(2) : told.status,
                         timed ? (told.flops / told.ms / 1e6).toFixed(2) : '', told.worst_ulp.toFixed(2),
                         told.rms_relative.toExponential(1), code]) {
    row.insertCell().append(content);
  }
}

// Asks the player for one job; it goes on living, as building the module takes a second.
function ask(message) {
  const state = text => {
    element('played').textContent = text;
    for (const name of ['play', 'filter']) element(name).disabled = text === 'At work …';
  };
  const close = text => {
    player.terminate();
    player = null;
    state('The convolution ended: ' + reason(text));
  };
  player ??= newWorker();
  state('At work …');
  player.onerror = event => close(event.message || 'the browser gave no reason');
  player.onmessage = ({ data }) => {
    if (data.kind === 'error') return close(data.text);
    if (data.kind === 'convolved') addConvolution(message, data);
    if (data.kind === 'filtered') drawFiltered(data.numbers, data.result);
    state('Done.');
  };
  player.postMessage({ ...message, wasm: bytesOf(element('wasm').textContent) });
}

async function showFiltered(file) {
  const bytes = await unpacked(bytesOf(file.textContent), file.dataset.name);
  const [count, height, width] = [4, 8, 12].map(at => new DataView(bytes.buffer).getUint32(at));
  const start = 16 + (Number(element('image').value) % count) * height * width;
  const pixels = [...bytes.subarray(start, start + height * width)].map(pixel => pixel / 255);
  ask({ job: 'filter', algorithm: element('algorithm').value,
        numbers: new Float32Array([height, width, ...kernels[element('kernel').value], ...pixels]) });
}

function makePlayable() {
  for (const name of Object.keys(kernels)) element('kernel').add(new Option(name));
  const file = document.querySelector('script.file[data-name*="t10k-images"]');
  element('under').hidden = file === null;
  for (const name of ['play', 'filter']) element(name).disabled = false;
  element('filter').addEventListener('click', () => showFiltered(file));
  element('play').addEventListener('click', () => ask({ job: 'play', shape: element('shape').value,
    pass: element('pass').value, algorithm: element('algorithm').value }));
}
