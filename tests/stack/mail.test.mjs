// Mail by a server that others wrote (smtp-server from npm): encrypted and signed in to,
// refused, slow and dead.  No request waits for it, and no mail is lost without a trace.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { SMTPServer } from 'smtp-server';
import { certificate } from './certificate.mjs';
import { Client } from './client.mjs';
import { freePort, startStack, until } from './harness.mjs';

const USER = 'ann', PASSWORD = 'pass@word/1';
const AT_ONCE_MS = 2000;        // a reply, however busy this machine is
const refusal = (code) => Object.assign(new Error('Not today'), { responseCode: code });

describe('mail', { skip: process.env.QUIVER_URL !== undefined }, () => {
	let stack, client, port, keys, server, arrived, people = 0;
	// What the server does with the next mails; absent: takes them.
	let recipient, message;

	async function start() {
		server = new SMTPServer({
			key: fs.readFileSync(keys.key), cert: fs.readFileSync(keys.cert), closeTimeout: 100,
			onAuth: (auth, session, done) => auth.username === USER && auth.password === PASSWORD ?
				done(null, { user: USER }) : done(refusal(535)),
			onRcptTo: (address, session, done) => done(recipient?.()),
			onData(stream, session, done) {
				const chunks = [];
				stream.on('data', (chunk) => chunks.push(chunk));
				stream.on('end', async () => {
					const error = await message?.();
					if (error === undefined)
						arrived.push({ text: Buffer.concat(chunks).toString(), user: session.user,
							secure: session.secure, to: session.envelope.rcptTo[0].address });
					done(error);
				});
			},
		});
		server.on('error', () => {});   // of connections that are given up
		await new Promise((resolve) => { server.listen(port, '127.0.0.1', resolve); });
	}
	const stop = () => new Promise((resolve) => { server.close(resolve); });

	before(async () => {
		keys = certificate('mail.localhost');
		port = await freePort();
		stack = await startStack('lighttpd', { handlers: ['auth', 'health'], env: {
			SMTP_URL: `smtp://${USER}:${encodeURIComponent(PASSWORD)}@mail.localhost:${port}`,
			MAIL_FROM: 'Quiver <quiver@example.org>', NET_CA_FILE: keys.cert } });
		client = new Client(stack.url);
		await start();
	});
	after(async () => {
		client?.close();
		await stack?.stop();
		await stop();
	});
	beforeEach(() => { arrived = []; recipient = message = undefined; });

	// Somebody registers, and is answered at once.
	async function register() {
		const email = `person${people++}@example.org`, began = performance.now();
		assert.equal((await client.post('/v1/auth/register', { email, password: 'a password of one’s own' })).status, 202);
		assert.ok(performance.now() - began < AT_ONCE_MS, `${performance.now() - began} ms`);
		return email;
	}
	const arrivedAt = (email, ms = 30000) => until(`a mail to ${email}`, () => arrived.some((m) => m.to === email), ms);
	const kept = () => {
		const folder = path.join(stack.state, 'mail');
		return fs.existsSync(folder) ? fs.readdirSync(folder).filter((name) => name.endsWith('.eml'))
			.map((name) => fs.readFileSync(path.join(folder, name), 'utf8')) : [];
	};
	const keptFor = (email) => until(`a file for ${email}`, () => kept().some((text) => text.includes(`To: <${email}>`)), 30000);

	test('goes out encrypted, by a server that is signed in to, and its code is good', async () => {
		const email = await register();
		await arrivedAt(email);
		const [{ text, secure, user }] = arrived;
		assert.deepEqual([secure, user], [true, USER]);
		assert.match(text, /^From: "Quiver"\r\n <quiver@example\.org>\r$/m);
		assert.ok(text.split('\r\n').every((line) => line.length <= 998 && !/[^\x20-\x7e\t]/.test(line)));
		const code = /^ {4}([a-z2-9]{4}-[a-z2-9]{4})\r?$/m.exec(text)[1];
		assert.equal((await client.post('/v1/auth/confirm', { email, code })).status, 204);
		assert.deepEqual(kept(), []);
	});

	test('is tried again when the server says so', async () => {
		let tries = 0;
		recipient = () => ++tries === 1 ? refusal(451) : undefined;
		await arrivedAt(await register());
		assert.equal(tries, 2);
	});

	test('that a server refuses for good is a file at once', async () => {
		let tries = 0;
		recipient = () => { tries++; return refusal(550); };
		await keptFor(await register());
		assert.equal(tries, 1);
		assert.deepEqual(arrived, []);
	});

	test('goes round a server that takes its time', async () => {
		let tries = 0, slow;
		message = () => ++tries === 1 ? new Promise((resolve) => { slow = resolve; }) : undefined;
		const first = await register();
		await until('the slow one has it', () => tries === 1);
		const second = await register();        // waits for nobody
		await arrivedAt(second, 40000);
		await arrivedAt(first, 40000);
		slow(refusal(451));
	});

	test('waits for a server that is dead', async () => {
		await stop();
		const email = await register();
		assert.equal((await client.get('/ready')).status, 200);
		await start();
		await arrivedAt(email, 60000);
	});

	test('has its secrets in no log', () => {
		const log = stack.logText();
		for (const secret of [PASSWORD, encodeURIComponent(PASSWORD), Buffer.from(`\0${USER}\0${PASSWORD}`).toString('base64')])
			assert.ok(!log.includes(secret));
	});
});
