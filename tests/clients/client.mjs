// The official Node.js package, walking the whole road.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";

import OpenAI, { toFile, toStreamingFile } from "openai";

import { step } from "./steps.mjs";

const example = (n) => [
  { role: "user", content: `Say ${n}.` },
  { role: "assistant", content: `${n} é 三!` },
];
const lines = (count) =>
  Array.from({ length: count }, (_, n) => JSON.stringify({ messages: example(n) }) + "\n");
const trainingData = Buffer.from(lines(10).join(""));
const question = [{ role: "user", content: "Say 3." }];
const epochs = (n_epochs) => ({
  type: "supervised",
  supervised: { hyperparameters: { n_epochs } },
});
const done = ["succeeded", "failed", "cancelled"];

/** The promise must be refused with this class of error and these attributes. */
async function refused(promise, kind, expected) {
  const error = await promise.then(
    () => assert.fail(`no ${kind.name}`),
    (error) => error,
  );
  assert.ok(error instanceof kind, String(error));
  const found = Object.fromEntries(Object.keys(expected).map((name) => [name, error[name]]));
  assert.deepEqual(found, expected);
}

/** Everything that a list gives, page after page. */
async function all(list) {
  const found = [];
  for await (const one of list) found.push(one);
  return found;
}

const ids = (objects) => objects.map((object) => object.id);

async function wait(id, until) {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await sleep(50)) {
    const job = await jobs.retrieve(id);
    if (until.includes(job.status)) return job;
  }
  assert.fail(`the job ${id} is not ${until.join(" or ")}`);
}

const client = new OpenAI({ maxRetries: 0 });
const stranger = new OpenAI({ apiKey: "a-wrong-key", maxRetries: 0 });
const { jobs } = client.fineTuning;

// --- models, and who may ask ---

const model = await step("GET /models", "list the base models", async () => {
  const [first] = await all(client.models.list());
  return first.id;
});

await step("GET /models/{model:path}", "retrieve a model", async () => {
  assert.equal((await client.models.retrieve(model)).object, "model");
});

await step("GET /models/{model:path}", "an unknown model", () =>
  refused(client.models.retrieve("no-model"), OpenAI.NotFoundError, {
    param: "model",
    code: "model_not_found",
  }),
);

await step("GET /models", "a wrong key", () =>
  refused(all(stranger.models.list()), OpenAI.AuthenticationError, { code: "invalid_api_key" }),
);

await step("POST /files", "a large file with a wrong key", async () => {
  const large = await toFile(Buffer.alloc(20_000_000), "large.jsonl");
  const sent = stranger.files.create({ file: large, purpose: "fine-tune" });
  await refused(sent, OpenAI.AuthenticationError, { code: "invalid_api_key" });
});

// --- files ---

const file = await step("POST /files", "upload a file", async () => {
  const file = await toFile(trainingData, "train.jsonl");
  const created = await client.files.create({ file, purpose: "fine-tune" });
  assert.deepEqual([created.filename, created.bytes], ["train.jsonl", trainingData.length]);
  return created;
});

const fromDisk = await step("POST /files", "upload a file from the disk", async () => {
  const folder = mkdtempSync(join(tmpdir(), "client-"));
  const path = join(folder, "from_disk.jsonl");
  writeFileSync(path, trainingData);
  const file = createReadStream(path);
  const created = await client.files.create({ file, purpose: "fine-tune" });
  rmSync(folder, { recursive: true });
  assert.deepEqual([created.filename, created.bytes], ["from_disk.jsonl", trainingData.length]);
  return created;
});

const streamed = await step("POST /files", "upload a file of unknown length", async () => {
  const file = toStreamingFile(Readable.from(lines(10)), "streamed.jsonl");
  const created = await client.files.create({ file, purpose: "fine-tune" });
  assert.deepEqual([created.filename, created.bytes], ["streamed.jsonl", trainingData.length]);
  return created;
});

await step("POST /files", "a file whose name is not ASCII", async () => {
  const file = await toFile(trainingData, "数据 é.jsonl");
  const created = await client.files.create({ file, purpose: "fine-tune" });
  assert.equal(created.filename, "数据 é.jsonl");
  await client.files.delete(created.id);
});

await step("POST /files", "a file that expires", async () => {
  const file = await toFile(trainingData, "short.jsonl");
  const expires_after = { anchor: "created_at", seconds: 3600 };
  const created = await client.files.create({ file, purpose: "fine-tune", expires_after });
  assert.equal(created.expires_at, created.created_at + 3600);
  await client.files.delete(created.id);
});

await step("POST /files", "a file that is no JSON lines", async () => {
  const file = await toFile(Buffer.from("[\n1]\n"), "bad.jsonl");
  const created = client.files.create({ file, purpose: "fine-tune" });
  await refused(created, OpenAI.BadRequestError, { status: 400 });
});

await step("GET /files/{id}", "wait until the file is processed", async () => {
  assert.equal((await client.files.waitForProcessing(file.id)).status, "processed");
});

await step("GET /files/{id}/content", "read the files back", async () => {
  for (const { id } of [file, fromDisk, streamed]) {
    const content = await (await client.files.content(id)).arrayBuffer();
    assert.deepEqual(Buffer.from(content), trainingData);
  }
});

await step("GET /files", "list all files, one a page", async () => {
  const listed = await all(client.files.list({ limit: 1, order: "asc", purpose: "fine-tune" }));
  assert.deepEqual(ids(listed), ids([file, fromDisk, streamed]));
});

await step("DELETE /files/{id}", "delete a file", async () => {
  assert.equal((await client.files.delete(streamed.id)).deleted, true);
  await refused(client.files.retrieve(streamed.id), OpenAI.NotFoundError, { param: "id" });
});

// --- uploads in parts ---

const beginUpload = () =>
  client.uploads.create({
    bytes: trainingData.length,
    filename: "parts.jsonl",
    mime_type: "text/jsonl",
    purpose: "fine-tune",
  });

const upload = await step("POST /uploads", "begin an upload in parts", async () => {
  const upload = await beginUpload();
  assert.equal(upload.status, "pending");
  return upload;
});

const parts = await step("POST /uploads/{id}/parts", "send two parts", async () => {
  const halves = [trainingData.subarray(0, 100), trainingData.subarray(100)];
  const send = async (half) =>
    client.uploads.parts.create(upload.id, { data: await toFile(half, "part") });
  return Promise.all(halves.map(send));
});

await step("POST /uploads/{id}/complete", "make a file of the parts", async () => {
  const md5 = createHash("md5").update(trainingData).digest("hex");
  const { status, file } = await client.uploads.complete(upload.id, { part_ids: ids(parts), md5 });
  assert.equal(status, "completed");
  assert.equal(await (await client.files.content(file.id)).text(), trainingData.toString());
});

await step("POST /uploads/{id}/cancel", "cancel an upload", async () => {
  const { id } = await beginUpload();
  assert.equal((await client.uploads.cancel(id)).status, "cancelled");
  const late = client.uploads.complete(id, { part_ids: [] });
  await refused(late, OpenAI.BadRequestError, { param: "upload_id" });
});

// --- jobs ---

const created = await step("POST /fine_tuning/jobs", "create a job", async () => {
  const order = { model, training_file: file.id, suffix: "node", metadata: { team: "a b&c" } };
  const job = await jobs.create({ ...order, method: epochs(1), seed: 1 });
  assert.deepEqual([job.object, job.seed, job.metadata], ["fine_tuning.job", 1, order.metadata]);
  return job;
});

await step("POST /fine_tuning/jobs", "the same request again", async () => {
  const headers = { "Idempotency-Key": "a-key-of-this-client" };
  const order = { model, training_file: file.id, method: epochs(1) };
  const first = await jobs.create(order, { headers });
  assert.equal((await jobs.create(order, { headers })).id, first.id);
  await wait(first.id, done);
});

await step("POST /fine_tuning/jobs", "a model that does not exist", () =>
  refused(jobs.create({ model: "no-model", training_file: file.id }), OpenAI.BadRequestError, {
    param: null,
    code: "model_not_available",
  }),
);

await step("POST /fine_tuning/jobs", "a file that does not exist", () =>
  refused(jobs.create({ model, training_file: "file-x" }), OpenAI.BadRequestError, {
    param: "training_file",
  }),
);

await step("POST /fine_tuning/jobs", "a number that is too large", () => {
  const refusedJob = jobs.create({ model, training_file: file.id, method: epochs(51) });
  const param = "method.supervised.hyperparameters.n_epochs";
  return refused(refusedJob, OpenAI.BadRequestError, { param });
});

const job = await step("GET /fine_tuning/jobs/{id}", "poll until it has succeeded", async () => {
  const job = await wait(created.id, done);
  assert.deepEqual([job.status, job.result_files.length], ["succeeded", 1]);
  assert.ok(job.fine_tuned_model.startsWith(`ft:${model}:`) && job.trained_tokens > 0);
  return job;
});

await step("GET /fine_tuning/jobs/{id}", "an unknown job", () =>
  refused(jobs.retrieve("ftjob-x"), OpenAI.NotFoundError, {
    param: "fine_tune_id",
    code: "fine_tune_not_found",
  }),
);

await step("GET /fine_tuning/jobs/{id}/events", "list all events, three a page", async () => {
  const paged = ids(await all(jobs.listEvents(job.id, { limit: 3 })));
  const events = (await jobs.listEvents(job.id, { limit: 100 })).data;
  assert.deepEqual(paged, ids(events));
  assert.equal(events.at(-1).message, `Created fine-tuning job: ${job.id}`);
  const metrics = events.filter(({ type }) => type === "metrics");
  assert.ok(metrics.length === 10 && metrics.every(({ data }) => data.train_loss > 0));
});

await step("GET /fine_tuning/jobs/{id}/checkpoints", "list all, one a page", async () => {
  const checkpoints = await all(jobs.checkpoints.list(job.id, { limit: 1 }));
  const names = checkpoints.map((checkpoint) => checkpoint.fine_tuned_model_checkpoint);
  assert.deepEqual(names, [job.fine_tuned_model]);
  assert.equal(checkpoints[0].step_number, 10);
});

await step("GET /files/{id}/content", "read the results", async () => {
  const rows = (await (await client.files.content(job.result_files[0])).text()).trim().split("\n");
  assert.deepEqual([rows[0].startsWith("step,train_loss,"), rows.length], [true, 11]);
});

const longJob = await step("POST /fine_tuning/jobs/{id}/pause", "pause a job", async () => {
  const long = await toFile(Buffer.from(lines(300).join("")), "long.jsonl");
  const { id: training_file } = await client.files.create({ file: long, purpose: "fine-tune" });
  const { id } = await jobs.create({ model, training_file, method: epochs(50) });
  await wait(id, ["running", ...done]);
  const paused = await jobs.pause(id);
  assert.equal(paused.status, "paused");
  return paused;
});

await step("POST /fine_tuning/jobs/{id}/resume", "let it go on", async () => {
  assert.equal((await jobs.resume(longJob.id)).status, "queued");
  assert.equal((await wait(longJob.id, ["running", ...done])).status, "running");
});

await step("POST /fine_tuning/jobs/{id}/cancel", "cancel it", async () => {
  assert.equal((await jobs.cancel(longJob.id)).status, "cancelled");
  await refused(jobs.cancel(longJob.id), OpenAI.BadRequestError, { param: "fine_tune_id" });
});

await step("GET /fine_tuning/jobs", "list all jobs, one a page", async () => {
  const listed = ids(await all(jobs.list({ limit: 1 })));
  assert.deepEqual([listed.length, listed[0], listed.at(-1)], [3, longJob.id, job.id]);
});

await step("GET /fine_tuning/jobs", "list jobs by their metadata", async () => {
  const matching = (metadata) => all(jobs.list({ metadata })).then(ids);
  assert.deepEqual(await matching({ team: "a b&c" }), [job.id]);
  assert.deepEqual(await matching({ team: "x" }), []);
});

await step("GET /fine_tuning/jobs", "list jobs without metadata", async () => {
  const without = ids(await all(jobs.list({ metadata: null })));
  assert.deepEqual([without.length, without.includes(job.id)], [2, false]);
});

// --- the model's answers ---

const asked = { model: job?.fine_tuned_model, messages: question, max_tokens: 8, seed: 1 };

const answer = await step("POST /chat/completions", "ask the fine-tuned model", async () => {
  const { data, request_id } = await client.chat.completions.create(asked).withResponse();
  const { prompt_tokens, completion_tokens, total_tokens } = data.usage;
  assert.deepEqual([data.object, data.choices[0].message.role], ["chat.completion", "assistant"]);
  assert.equal(total_tokens, prompt_tokens + completion_tokens);
  assert.match(request_id, /^req_/);
  return data;
});

await step("POST /chat/completions", "send the answer back as it came", async () => {
  const { message } = answer.choices[0];
  // The second is what `parse` makes of an answer.
  for (const said of [message, { ...message, parsed: null }]) {
    const messages = [...question, said, ...question];
    await client.chat.completions.create({ ...asked, messages });
  }
});

await step("GET /files", "with nulls in the query", async () => {
  const listed = await all(client.files.list({ after: null, purpose: null, limit: null }));
  assert.deepEqual(ids(listed), ids(await all(client.files.list())));
});

await step("POST /chat/completions", "the same answer streamed, with usage", async () => {
  const stream_options = { include_usage: true };
  const stream = await client.chat.completions.create({ ...asked, stream: true, stream_options });
  const chunks = await all(stream);
  const text = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("");
  assert.equal(text, answer.choices[0].message.content);
  assert.equal(chunks.at(-1).usage.total_tokens, answer.usage.total_tokens);
});

await step("POST /chat/completions", "put together by the package itself", async () => {
  const stream = client.chat.completions.stream({ ...asked, logprobs: true, top_logprobs: 2 });
  const { choices } = await stream.finalChatCompletion();
  assert.equal(choices[0].message.content, answer.choices[0].message.content);
  assert.equal(choices[0].logprobs.content.length, answer.usage.completion_tokens);
});

await step("POST /chat/completions", "a stream that is broken off", async () => {
  const stream = await client.chat.completions.create({ ...asked, stream: true, max_tokens: 100 });
  for await (const chunk of stream) if (chunk) break;
  assert.equal((await client.chat.completions.create(asked)).object, "chat.completion");
});

await step("POST /chat/completions", "a model that does not exist", () => {
  const options = { ...asked, model: "no-model", stream: true };
  const refusedAnswer = client.chat.completions.create(options);
  return refused(refusedAnswer, OpenAI.NotFoundError, { code: "model_not_found" });
});

await step("POST /chat/completions", "a value out of range", () => {
  const refusedAnswer = client.chat.completions.create({ ...asked, temperature: 3 });
  return refused(refusedAnswer, OpenAI.BadRequestError, { param: "temperature" });
});

await step("POST /completions", "let a text go on", async () => {
  const options = { model, prompt: "Say", max_tokens: 4, echo: true, logprobs: 1 };
  const { object, choices } = await client.completions.create(options);
  assert.deepEqual([object, choices[0].text.slice(0, 3)], ["text_completion", "Say"]);
});

await step("POST /completions", "streamed, with every kind of line break", async () => {
  const prompt = "a\nb\r\nc\x0bd\x0ce\x1cf\x85g\u2028h\u2029i";
  const options = { model, prompt, max_tokens: 4, echo: true, stream: true };
  const chunks = await all(await client.completions.create(options));
  assert.ok(chunks.map((chunk) => chunk.choices[0].text).join("").startsWith(prompt));
});

await step("POST /responses", "ask by the newer call, whole and streamed", async () => {
  const options = { model, input: "Say 3.", max_output_tokens: 16, temperature: 0 };
  const response = await client.responses.create(options);
  assert.deepEqual([response.object, response.model], ["response", model]);
  const streamed = await client.responses.stream(options).finalResponse();
  assert.equal(streamed.output_text, response.output_text);
});

// --- the end ---

await step("DELETE /models/{model:path}", "delete the fine-tuned model", async () => {
  assert.equal((await client.models.delete(job.fine_tuned_model)).deleted, true);
  const gone = client.models.retrieve(job.fine_tuned_model);
  await refused(gone, OpenAI.NotFoundError, { param: "model" });
});
