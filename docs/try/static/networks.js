// Networks in LiteRT's format, run by LiteRT's own WebAssembly.

const address = (path) => new URL(`../${path}`, import.meta.url).href;

// One file for all browsers; it takes SIMD, which they have had since 2023.
const runtime = import("../litert/index.js").then(async (litert) => {
  await litert.loadLiteRt(address("litert/litert_wasm_compat_internal.js"));
  return litert;
});

// Gives a function from one picture's float32 numbers to the outputs by name.
export async function openNetwork(path) {
  const { loadAndCompile, Tensor } = await runtime;
  const model = await loadAndCompile(address(path), { accelerator: "wasm" });
  const [{ name, shape }] = model.getInputDetails();
  return async (numbers) => {
    const input = new Tensor(numbers, shape);
    const outputs = await model.run({ [name]: input });
    input.delete();
    const read = Object.entries(outputs).map(([key, output]) => {
      const values = output.toTypedArray().slice(); // a view of memory that is used again
      output.delete();
      return [key, values];
    });
    return Object.fromEntries(read);
  };
}
