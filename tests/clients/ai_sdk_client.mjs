// The AI SDK, which asks the Responses API unless told otherwise.

import assert from "node:assert/strict";

import { openai } from "@ai-sdk/openai";
import { Output, generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

import { step } from "./steps.mjs";

const name = "gpt-4o-mini-2024-07-18";
const prompt = "What is the capital of France?";
const schema = z.object({ city: z.enum(["Paris", "Rome"]), isCapital: z.boolean() });
const people = tool({
  description: "How many people live in a city.",
  inputSchema: schema.pick({ city: true }),
  execute: async () => 2_000_000,
});
const all = async (stream) => {
  const found = [];
  for await (const one of stream) found.push(one);
  return found;
};
const sure = { model: openai(name), temperature: 0 };

await step("POST /responses", "ask, with all defaults", async () => {
  const { text, totalUsage, response } = await generateText({ model: openai(name), prompt });
  assert.ok(text && totalUsage.totalTokens > 0);
  assert.equal(response.modelId, name);
});

await step("POST /responses", "go on with a conversation", async () => {
  const said = [{ role: "assistant", content: "Hello." }, { role: "user", content: prompt }];
  const messages = [{ role: "user", content: "Hello!" }, ...said];
  const { text } = await generateText({ ...sure, system: "Answer briefly.", messages });
  assert.match(text, /Paris/);
});

await step("POST /responses", "streamed", async () => {
  const { textStream, finishReason } = streamText({ ...sure, prompt });
  const pieces = await all(textStream);
  assert.match(pieces.join(""), /Paris/);
  assert.deepEqual([pieces.length > 1, await finishReason], [true, "stop"]);
});

await step("POST /chat/completions", "ask by the older call", async () => {
  const { text } = await generateText({ ...sure, model: openai.chat(name), prompt });
  assert.match(text, /Paris/);
});

await step("POST /responses", "an object by a schema, whole and streamed", async () => {
  const output = Output.object({ schema });
  schema.parse((await generateText({ model: openai(name), prompt, output })).output);
  const streamed = streamText({ model: openai(name), prompt, output });
  const pieces = await all(streamed.partialOutputStream);
  assert.deepEqual(schema.parse(await streamed.output), pieces.at(-1));
});

const calls = { "POST /responses": openai(name), "POST /chat/completions": openai.chat(name) };
for (const [call, model] of Object.entries(calls)) {
  await step(call, "call a tool, and go on with what it gives", async () => {
    // It must call in the first step, and cannot in the second.
    const prepareStep = ({ stepNumber }) => ({ toolChoice: stepNumber ? "none" : "required" });
    const asked = { model, prompt, tools: { people }, prepareStep, stopWhen: stepCountIs(2) };
    for (const { steps } of [await generateText(asked), streamText(asked)]) {
      const [{ toolResults }, { text }] = await steps;
      assert.deepEqual([toolResults[0].output, text.length > 0], [2_000_000, true]);
    }
  });
}
