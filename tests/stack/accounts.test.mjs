// Accounts that people make themselves: registered, confirmed from the mail, signed in,
// recovered; and a stranger who tries passwords and does not lock the owner out.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Client, median, policyFile, signIn } from './client.mjs';
import { OWNER, startStack, until } from './harness.mjs';

const PASSWORD = 'a password of one’s own';

describe('accounts', { skip: process.env.QUIVER_URL !== undefined }, () => {
	let stack, client, seen = 0;
	before(async () => {
		stack = await startStack('lighttpd');
		client = new Client(stack.url);
	});
	after(async () => {
		client?.close();
		await stack?.stop();
	});

	const mails = () => {
		const folder = path.join(stack.state, 'mail');
		return fs.existsSync(folder) ? fs.readdirSync(folder).filter((f) => f.endsWith('.eml')).sort()
			.map((f) => path.join(folder, f)) : [];
	};
	async function nextMail() {
		await until('a mail', () => mails().length > seen);
		return fs.readFileSync(mails()[seen++], 'utf8');
	}
	const codeIn = (mail) => /^ {4}([a-z2-9]{4}-[a-z2-9]{4})\r?$/m.exec(mail)[1];
	const register = (email, password = PASSWORD) =>
		client.post('/v1/auth/register', { email, password, name: 'Ada' });

	test('are made by a code from the mail, and by nothing less', async () => {
		const email = 'ada@example.org';
		assert.equal((await register(email)).status, 202);
		assert.equal((await client.post('/v1/auth/login', { email, password: PASSWORD })).status, 401);
		const confirm = (code) => client.post('/v1/auth/confirm', { email, code });
		assert.equal((await confirm('aaaa-aaaa')).status, 401);
		assert.equal((await confirm(codeIn(await nextMail()).toUpperCase())).status, 204);
		const { access_token: token } = await signIn(client, { email, password: PASSWORD });
		const me = (await client.get('/v1/auth/me', { token })).json;
		assert.deepEqual([me.email, me.name, me.plan, me.roles], [email, 'Ada', 'free', ['user']]);
	});

	test('are not told apart from none', async () => {
		const replies = {}, times = { known: [], unknown: [] };
		for (let i = 0; i < 5; i++)
			for (const which of ['known', 'unknown']) {
				const began = performance.now();
				const reply = await register(which === 'known' ? OWNER.email : `nobody${i}@example.org`);
				times[which].push(performance.now() - began);
				replies[which] = [reply.status, reply.text];
			}
		assert.deepEqual(replies.known, replies.unknown);
		const [known, unknown] = [median(times.known), median(times.unknown)];
		assert.ok(known < unknown * 2 && unknown < known * 2, `${known} ms and ${unknown} ms`);
		for (const path of ['password/forgot', 'confirm/resend']) {
			const [a, b] = [await client.post(`/v1/auth/${path}`, { email: OWNER.email }),
				await client.post(`/v1/auth/${path}`, { email: 'nobody-at-all@example.org' })];
			assert.equal(a.status, 202);
			assert.deepEqual([a.status, a.text], [b.status, b.text]);
		}
		await until('the mails', () => mails().length >= seen + 7);
		seen = mails().length;
	});

	test('refuse a password that guessers try first, and say why', async () => {
		for (const [email, password] of [['eve@example.org', '1qaz2wsx3edc'],
			['eve.adams@example.org', 'Eve.Adams2026'], ['eve@example.org', 'quiverquiver']]) {
			const reply = await register(email, password);
			assert.equal(reply.status, 422, password);
			assert.equal(reply.json.errors[0].pointer, '/password');
		}
	});

	test('get a new password by mail, which ends their sessions', async () => {
		const email = 'ada@example.org', password = 'quite another password';
		const before = await signIn(client, { email, password: PASSWORD });
		assert.equal((await client.post('/v1/auth/password/forgot', { email })).status, 202);
		const code = codeIn(await nextMail());
		const reset = (body) => client.post('/v1/auth/password/reset', { email, ...body });
		assert.equal((await reset({ code: 'aaaa-aaaa', new_password: password })).status, 401);
		assert.equal((await reset({ code, new_password: password })).status, 204);
		assert.match(await nextMail(), /password/i);
		assert.equal((await client.get('/v1/auth/me', { token: before.access_token })).status, 401);
		assert.equal((await client.post('/v1/auth/login', { email, password: PASSWORD })).status, 401);
		assert.ok((await signIn(client, { email, password })).access_token);
	});
});

describe('closed registration', { skip: process.env.QUIVER_URL !== undefined }, () => {
	test('is refused to everyone alike', async () => {
		const stack = await startStack('lighttpd', { env: { REGISTRATION: 'closed' } });
		const client = new Client(stack.url);
		for (const email of [OWNER.email, 'nobody@example.org'])
			assert.equal((await client.post('/v1/auth/register', { email, password: PASSWORD })).status, 403);
		client.close();
		await stack.stop();
	});
});

describe('a network that an account was never signed in from', { skip: process.env.QUIVER_URL !== undefined }, () => {
	test('is let in by a mailed code while strangers guess', async () => {
		const stack = await startStack('lighttpd', { env: { TRUSTED_PROXIES: '127.0.0.0/8',
			LIMITS: policyFile([{ name: 'sign-in-strangers', limit: 3, period_ms: 3600000 }]) } });
		const client = new Client(stack.url);
		const from = (address, path, json) => client.post(`/v1/auth/${path}`, json,
			{ headers: { 'x-forwarded-for': address } });
		const { email } = OWNER, anew = { email, password: 'a new password for this' };
		try {
			for (let i = 0; i < 3; i++)
				assert.equal((await from(`203.0.113.${i}`, 'login', { email, password: 'a guess' })).status, 401);
			assert.equal((await from('198.51.100.7', 'login', OWNER)).status, 429);
			assert.equal((await from('198.51.100.7', 'password/forgot', { email })).status, 202);
			const folder = path.join(stack.state, 'mail');
			await until('the mail', () => fs.existsSync(folder) && fs.readdirSync(folder).length > 0);
			const code = /^ {4}([a-z2-9]{4}-[a-z2-9]{4})\r?$/m.exec(
				fs.readFileSync(path.join(folder, fs.readdirSync(folder)[0]), 'utf8'))[1];
			assert.equal((await from('198.51.100.7', 'password/reset',
				{ email, code, new_password: anew.password })).status, 204);
			assert.equal((await from('198.51.100.7', 'login', anew)).status, 200);
			assert.equal((await from('198.51.100.8', 'login', anew)).status, 429);
		} finally {
			client.close();
			await stack.stop();
		}
	});
});

describe('a network that signs in', { skip: process.env.QUIVER_URL !== undefined }, () => {
	test('tells its owner when it is new', async () => {
		const stack = await startStack('lighttpd', { env: { TRUSTED_PROXIES: '127.0.0.0/8' } });
		const client = new Client(stack.url);
		const from = async (address, password = OWNER.password) => (await client.post('/v1/auth/login',
			{ email: OWNER.email, password }, { headers: { 'x-forwarded-for': address } })).status;
		const folder = path.join(stack.state, 'mail');
		const mails = () => fs.existsSync(folder) ? fs.readdirSync(folder).filter((f) => f.endsWith('.eml')) : [];
		try {
			assert.equal(await from('192.0.2.1'), 200, 'the first is where the owner is');
			assert.equal(await from('198.51.100.1', 'a guess'), 401);
			assert.equal(await from('192.0.2.1'), 200);
			assert.equal(await from('2001:db8::1'), 200);
			await until('a mail', () => mails().length > 0);
			const text = fs.readFileSync(path.join(folder, mails()[0]), 'utf8');
			assert.match(text, /^Subject: A sign-in to Quiver from somewhere new\r$/m);
			assert.match(text, new RegExp(`^To: <${OWNER.email}>\r$`, 'm'));
			assert.equal(await from('2001:db8::2'), 200, 'is the same network');
			assert.equal(await from('203.0.113.9'), 200);
			await until('another mail', () => mails().length > 1);
			assert.equal(mails().length, 2);
		} finally {
			client.close();
			await stack.stop();
		}
	});
});

describe('guessing', { skip: process.env.QUIVER_URL !== undefined }, () => {
	test('is stopped where it comes from, in any case of the address, and the owner gets in', async () => {
		const stack = await startStack('lighttpd', { env: { TRUSTED_PROXIES: '127.0.0.0/8',
			LIMITS: policyFile([{ name: 'sign-in-account', limit: 5, period_ms: 3600000 }]) } });
		const client = new Client(stack.url);
		const from = (address, credentials) => client.post('/v1/auth/login', credentials,
			{ headers: { 'x-forwarded-for': address } });
		const statuses = [];
		for (let i = 0; i < 8; i++) {
			const email = i % 2 ? OWNER.email : OWNER.email.toUpperCase();
			statuses.push((await from('203.0.113.5', { email, password: 'a guess' })).status);
		}
		assert.deepEqual(statuses, [401, 401, 401, 401, 401, 429, 429, 429]);
		assert.equal((await from('203.0.113.5', OWNER)).status, 429);
		assert.equal((await from('198.51.100.7', OWNER)).status, 200);
		client.close();
		await stack.stop();
	});
});
