// content --export-store and --import-store: an installation arrives whole elsewhere, however often they are killed.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Client, inParallel, signIn } from './client.mjs';
import { OWNER, binary, cgi, makeRoot, startHandler, startStack, temporaryFolder, until } from './harness.mjs';

const POSTS = 400;
const SECRET_KEY = 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=';
const OTHER_KEY = 'AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=';
const user = process.getuid() === 0 ? fs.statSync(temporaryFolder()) : {};

// Ends by itself, or is killed when `kill` says so.
async function content(flag, file, root, { kill, key = SECRET_KEY } = {}) {
	const child = spawn(binary('content'), [flag, file], { stdio: ['ignore', 'ignore', 'pipe'], cwd: '/', uid: user.uid, gid: user.gid,
		env: { PATH: process.env.PATH, STATE_DIR: root.state, SECRET_KEY: key, ASAN_OPTIONS: process.env.ASAN_OPTIONS ?? '' } });
	let said = '';
	child.stderr.setEncoding('utf8').on('data', (text) => { said += text; });
	const ended = new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal, said })));
	if (kill) {
		await until('it is time to kill it', () => kill() || child.exitCode !== null);
		child.kill('SIGKILL');
	}
	return ended;
}

const sizeOf = (file) => fs.existsSync(file) ? fs.statSync(file).size : 0;

describe('a store that moves', { skip: process.env.QUIVER_URL && 'it needs an installation of its own' }, () => {
	const folder = temporaryFolder();
	let stack, token, published;

	before(async () => {
		stack = await startStack('lighttpd', { env: { SECRET_KEY } });
		const client = new Client(stack.url);
		token = (await signIn(client)).access_token;
		await inParallel(POSTS, 8, async (i) => {
			const { json } = await client.post('/v1/blog', { title: `Post ${i}`, body: `Näher, word${i}. `.repeat(100) }, { token });
			if (i % 2 === 0)
				await client.post(`/v1/blog/${json.id}/publish`, {}, { token });
		});
		published = (await client.get('/v1/blog?limit=100')).json.items;
		client.close();
	});
	after(() => stack?.stop());

	test('is whole there, although it was killed all the way', async () => {
		const file = path.join(folder, 'store.ndjson');
		let kills = 0, result;
		for (let bytes = 20000; ; bytes += 150000) {
			result = await content('--export-store', file, stack, { kill: () => sizeOf(`${file}.part`) >= bytes });
			if (result.signal === null)
				break;
			assert.ok(!fs.existsSync(file), 'no file before it is whole');
			kills++;
		}
		assert.equal(result.code, 0, result.said);
		assert.match(result.said, /compared with the store: the same/);
		assert.equal(fs.statSync(file).mode & 0o777, 0o600);
		assert.ok(kills > 0, 'no export was killed: the test tested nothing');

		const there = makeRoot();
		for (let tries = 0, cut = 0; ; tries++) {
			const patience = Date.now() + 60 + 40 * tries;
			result = await content('--import-store', file, there, { kill: tries < 10 ? () => Date.now() > patience : undefined });
			if (result.signal === null) {
				assert.ok(cut > 0, 'no import was killed: the test tested nothing');
				break;
			}
			cut++;
		}
		assert.equal(result.code, 0, result.said);
		assert.match(result.said, /compared with .*: the same/);
		assert.ok(!fs.existsSync(`${file}.import`));
		await assertSame(there);
	});

	async function assertSame(root) {
		const handlers = await Promise.all(['content', 'auth'].map((name) => startHandler(name, { root, env: { SECRET_KEY } })));
		const [there, auth] = handlers;
		const get = async (target, bearer) => (await there.fcgi(cgi('GET', target, bearer ? { HTTP_AUTHORIZATION: `Bearer ${bearer}` } : {}))).json();
		try {
			assert.deepEqual((await get('/v1/blog?limit=100')).items, published);
			const { id } = published[0];
			const word = /word\d+/.exec((await get(`/v1/blog/${id}`)).body)[0];
			assert.deepEqual((await get(`/v1/blog?q=${word}`)).items.map((item) => item.id), [id], 'full text');
			assert.ok((await get('/v1/blog?status=all&limit=100', token)).items.length === 100, 'a token of before');
			const body = JSON.stringify(OWNER);
			const reply = await auth.fcgi(cgi('POST', '/v1/auth/login', { CONTENT_TYPE: 'application/json', CONTENT_LENGTH: String(body.length) }), { body });
			assert.equal(reply.status, 200, reply.text);
		} finally {
			for (const handler of handlers)
				await handler.stop();
		}
	}

	test('is not taken for whole when handlers wrote meanwhile', async () => {
		const file = path.join(folder, 'busy.ndjson');
		const client = new Client(stack.url);
		assert.equal((await content('--export-store', file, stack)).code, 0);
		// As one that was stopped before its last lines.
		const lines = fs.readFileSync(file, 'utf8').split('\n');
		fs.renameSync(file, `${file}.part`);
		fs.writeFileSync(`${file}.part`, lines.slice(0, -20).map((line) => `${line}\n`).join(''));
		for (const { id } of published.slice(0, 20))
			await client.patch(`/v1/blog/${id}`, { excerpt: 'Changed' }, { token });
		published = (await client.get('/v1/blog?limit=100')).json.items;
		client.close();
		const { code, said } = await content('--export-store', file, stack);
		assert.notEqual(code, 0, said);
		assert.match(said, /written to meanwhile/);
		assert.ok(!fs.existsSync(file));
		assert.equal((await content('--export-store', file, stack)).code, 0);
	});

	test('is not imported under another SECRET_KEY', async () => {
		const file = path.join(folder, 'keyed.ndjson');
		assert.equal((await content('--export-store', file, stack)).code, 0);
		const { code, said } = await content('--import-store', file, makeRoot(), { key: OTHER_KEY });
		assert.equal(code, 78, said);
		assert.match(said, /another SECRET_KEY/);
	});
});
