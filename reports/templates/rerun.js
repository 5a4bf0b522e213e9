// Trains the page's run in a worker and sets what it tells beside what the record has.
const element = id => document.getElementById(id);
const recorded = JSON.parse(element('configuration').textContent);
const recordedSettings = recorded.settings.join('\n') + '\n';
const bytesOf = text => Uint8Array.from(atob(text.trim()), c => c.charCodeAt(0));
const unpacked = async bytes => {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
};
// A function whose result is a vector of 128 bits.
const hasVectors = typeof WebAssembly === 'object' && WebAssembly.validate(new Uint8Array(
  [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11]));
const work = async ({ data: { settings, files, wasm } }) => {
  try {
    const reprise = await makeReprise({ wasmBinary: wasm, tell: message => postMessage(message) });
    reprise.FS.mkdir('/data');
    for (const [name, bytes] of files) reprise.FS.writeFile('/data/' + name, bytes);
    reprise.ccall('reprise_train', null, ['string', 'string'], [settings, '/data']);
  } catch (error) {
    postMessage({ kind: 'error', text: String(error) });
  }
};
const say = text => { element('state').textContent = text; };
const seedOf = settings => /^seed = (-?\d+)$/m.exec(settings)[1];
let worker = null;

function end(text) {
  if (worker) worker.terminate();
  worker = null;
  element('run').disabled = false;
  element('stop').disabled = true;
  say(text);
}

function addRow(name, expected, found, error) {
  const row = element('epochs').insertRow();
  for (const text of [name, expected, found, error]) row.insertCell().append(text);
  for (const cell of [row.cells[1], row.cells[2]]) {
    const code = document.createElement('code');
    code.append(...cell.childNodes);
    cell.append(code);
  }
  const same = expected === found;
  row.cells[2].className = same ? 'same' : 'different';
  row.cells[2].append(same ? ' ✓ the same' : ' ✗ different');
  return same;
}

async function run() {
  element('run').disabled = true;
  element('stop').disabled = false;
  element('epochs').replaceChildren();
  say('Unpacking …');
  const settings = recordedSettings.replace(/^seed = .*$/m, 'seed = ' + element('seed').value);
  const files = [['class_names.txt', new TextEncoder().encode([recorded.name, ...recorded.classes].join('\n') + '\n')]];
  for (const file of document.querySelectorAll('script.file')) {
    files.push([file.dataset.name.replace(/\.gz$/, ''), await unpacked(bytesOf(file.textContent))]);
  }
  const wasm = await unpacked(bytesOf(element('wasm').textContent));
  const code = element('module').textContent + '\nonmessage = ' + work;
  worker = new Worker(URL.createObjectURL(new Blob([code], { type: 'text/javascript' })));
  let [begun, started, firstDifference, losses] = [null, 0, '', []];
  worker.onerror = event => end('The run ended: ' + (event.message || 'the browser gave no reason; it may lack memory'));
  worker.onmessage = ({ data }) => {
    if (data.kind === 'begun') {
      [begun, started] = [data, performance.now()];
      if (!addRow('start', recorded.initial, data.parameters, '')) firstDifference = 'the initial parameters';
    } else if (data.kind === 'step') {
      const [done, all] = [(data.epoch - 1) * data.steps + data.done, begun.epochs * data.steps];
      const left = (performance.now() - started) / done * (all - done) / 1000;
      element('progress').value = done / all;
      say(`Epoch ${data.epoch} of ${begun.epochs}, step ${data.done} of ${data.steps}; ${Math.ceil(left)} s left`);
      losses.push(data.loss);
      const at = (loss, i) => `${(400 * i / Math.max(all - 1, 1)).toFixed(1)} ${(120 - 119 * Math.min(1, loss / losses[0])).toFixed(1)}`;
      element('loss').setAttribute('d', 'M' + losses.map(at).join('L'));
    } else if (data.kind === 'epoch') {
      const same = addRow(String(data.epoch), recorded.epochs[data.epoch - 1] ?? 'none', data.parameters,
                          (100 * data.test_error).toFixed(2));
      if (!same && !firstDifference) firstDifference = 'epoch ' + data.epoch;
    } else if (data.kind === 'done') {
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      end(firstDifference ? `Different from the record, first in ${firstDifference}. ${seconds} s.`
                          : `Identical: every digest is the record's. ${seconds} s.`);
    } else if (data.kind === 'error') {
      end('The run ended: ' + data.text);
    }
  };
  worker.postMessage({ settings, files, wasm });
}

element('seed').value = seedOf(recordedSettings);
if (!hasVectors) {
  say('This browser has no vectors of 128 bits in WebAssembly, or no WebAssembly; a current Firefox or Chromium has them.');
} else if (typeof DecompressionStream !== 'function') {
  say('This browser cannot unpack gzip data (DecompressionStream); a current Firefox or Chromium can.');
} else {
  element('run').disabled = false;
  element('run').addEventListener('click', () => run().catch(error => end('The run ended: ' + error)));
  element('stop').addEventListener('click', () => end('Stopped.'));
  say('Ready. It takes some seconds, on one thread.');
}
