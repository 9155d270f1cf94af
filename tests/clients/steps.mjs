// What the programs for Node.js share.
//
// The server's address and key come from OPENAI_BASE_URL and OPENAI_API_KEY. Each step prints a
// line of JSON: the call, what was done with it, and "ok" or what was wrong. The program ends with
// 1 if anything was wrong.

/** Do a step, print how it went, and go on in any case; gives what the step gives. */
export async function step(call, what, action) {
  let result = "ok";
  try {
    return await action();
  } catch (error) {
    result = String(error);
    process.exitCode = 1;
  } finally {
    console.log(JSON.stringify({ call, what, result }));
  }
}
