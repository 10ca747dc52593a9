// BullMQ on Node with undici and pg: the same job as in job.py, one process, its queue in Redis.
//
// node bullmq.mjs work | feed FIRST LAST
import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import pg from "pg";
import { Pool } from "undici";

const AT_ONCE = 50;
const ROWS = 16;
const { REDIS, DATABASE, PLATFORM } = process.env;
const CLIP = Buffer.alloc(1024);
const READ = "SELECT title, description, token FROM jobs WHERE id = $1";
const STEP =
  "UPDATE jobs SET step = $2, cursor = $3::jsonb, updated_at = clock_timestamp() WHERE id = $1";
const DONE = `
WITH done AS (
    UPDATE jobs SET status = 'published', post_id = $2, published_at = clock_timestamp()
    WHERE id = $1 RETURNING id
)
INSERT INTO outbox (routing_key, body) SELECT 'published', $3::jsonb FROM done`;
const connection = new Redis(REDIS, { maxRetriesPerRequest: null });

function work() {
  const platform = new Pool(PLATFORM, { connections: AT_ONCE });
  const rows = new pg.Pool({ connectionString: DATABASE, max: ROWS, min: ROWS });
  // A statement with a name is prepared once for each connection.
  const run = (name, text, values) => rows.query({ name, text, values });
  const post = async (path, headers, body) => {
    const answer = await platform.request({ path, method: "POST", headers, body });
    const told = await answer.body.json();
    if (answer.statusCode !== 200) throw new Error(`status ${answer.statusCode}`);
    return told;
  };
  const form = { "content-type": "application/x-www-form-urlencoded" };

  const publish = async ({ data: { job } }) => {
    const [row] = (await run("read", READ, [job])).rows;
    const headers = { ...form, authorization: `Bearer ${row.token}` };
    const wanted = new URLSearchParams({ v: "5.199", name: row.title, description: row.description });

    const cursor = (await post("/method/video.save", headers, wanted.toString())).response;
    await run("step", STEP, [job, "reserve", JSON.stringify(cursor)]);

    await post(new URL(cursor.upload_url).pathname, { "content-type": "video/mp4" }, CLIP);
    await run("step", STEP, [job, "upload", JSON.stringify(cursor)]);

    const id = `${cursor.owner_id}_${cursor.video_id}`;
    const asked = new URLSearchParams({ v: "5.199", videos: id });
    await post("/method/video.get", headers, asked.toString());
    await run("step", STEP, [job, "processed", JSON.stringify(cursor)]);

    await run("done", DONE, [job, id, JSON.stringify({ job, post_id: id })]);
  };
  const worker = new Worker("publish", publish, { connection, concurrency: AT_ONCE });
  worker.on("failed", (_, error) => console.error(error));
}

async function feed(first, last) {
  const queue = new Queue("publish", { connection });
  const kept = { removeOnComplete: true };
  const jobs = Array.from({ length: last - first + 1 }, (_, at) => first + at);
  await queue.addBulk(jobs.map((job) => ({ name: "publish", data: { job }, opts: kept })));
  await queue.close();
  await connection.quit();
}

const [what, ...numbers] = process.argv.slice(2);
if (what === "work") work();
else await feed(...numbers.map(Number));
