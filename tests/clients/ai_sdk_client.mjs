// The AI SDK, which asks the Responses API unless told otherwise.

import assert from "node:assert/strict";

import { openai } from "@ai-sdk/openai";
import { generateText, streamText } from "ai";

import { step } from "./steps.mjs";

const name = "gpt-4o-mini-2024-07-18";
const prompt = "What is the capital of France?";
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
  const pieces = [];
  for await (const piece of textStream) pieces.push(piece);
  assert.match(pieces.join(""), /Paris/);
  assert.deepEqual([pieces.length > 1, await finishReason], [true, "stop"]);
});

await step("POST /chat/completions", "ask by the older call", async () => {
  const { text } = await generateText({ ...sure, model: openai.chat(name), prompt });
  assert.match(text, /Paris/);
});
