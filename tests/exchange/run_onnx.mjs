// Runs ONNX files by ONNX Runtime: node run_onnx.mjs MODULES FILE IMAGES N,C,H,W LOGITS [...]
// MODULES is a folder with node_modules/onnxruntime-web; IMAGES and LOGITS are raw float32 values.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const [modules, ...rest] = process.argv.slice(2);
const ort = createRequire(`${modules}/package.json`)("onnxruntime-web");
ort.env.wasm.numThreads = 1;
ort.env.logLevel = "error";

for (let i = 0; i + 3 < rest.length; i += 4) {
  const [file, images, shape, logits] = rest.slice(i, i + 4);
  const session = await ort.InferenceSession.create(readFileSync(file));
  const bytes = readFileSync(images);
  const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  const input = new ort.Tensor("float32", values, shape.split(",").map(Number));
  const result = (await session.run({ input })).logits;
  writeFileSync(logits, Buffer.from(result.data.buffer, result.data.byteOffset, result.data.byteLength));
  await session.release();
}
console.log(ort.env.versions.common);
