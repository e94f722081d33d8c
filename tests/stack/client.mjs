// What the stack tests send: requests over kept connections, and bytes over a socket
// that closes when the server falls silent.  Starting servers is harness.mjs's.
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { OWNER, temporaryFolder, until } from './harness.mjs';

export class Reply {
	constructor(message, bytes) {
		this.status = message.statusCode;
		this.headers = message.headers;
		this.rawHeaders = message.rawHeaders;
		this.bytes = bytes;
	}

	get text() {
		return this.bytes.toString('utf8');
	}

	get json() {
		return JSON.parse(this.text);
	}
}

export class Client {
	// `headers` go with every request; at most `sockets` connections are open at once.
	constructor(base, { headers = {}, sockets = 64 } = {}) {
		this.base = new URL(base);
		this.headers = headers;
		this.agent = new http.Agent({ keepAlive: true, maxSockets: sockets });
	}

	// `path` goes out as it is.  Rejects only when no reply came.  A server may close an idle
	// connection just when it is used again: the request goes out once more, on another
	// (RFC 9112, 9.3.1 and 9.5), which may be as old.
	async request(method, path, options) {
		for (;;) {
			try {
				return await this.requestOnce(method, path, options);
			} catch (error) {
				if (error.code !== 'ECONNRESET' || !error.reused)
					throw error;
			}
		}
	}

	requestOnce(method, path, { headers = {}, token, json, body, type, within = 30000 } = {}) {
		const payload = json === undefined ? body : JSON.stringify(json);
		const all = { ...this.headers, ...headers };
		if (token !== undefined)
			all.authorization = `Bearer ${token}`;
		if (json !== undefined || type !== undefined)
			all['content-type'] ??= type ?? 'application/json';
		if (payload !== undefined)
			all['content-length'] ??= Buffer.byteLength(payload);
		return new Promise((resolve, reject) => {
			const request = http.request({
				host: this.base.hostname, port: this.base.port, method, path,
				headers: all, agent: this.agent,
			}, (message) => {
				const chunks = [];
				message.on('data', (chunk) => chunks.push(chunk));
				message.on('end', () => resolve(new Reply(message, Buffer.concat(chunks))));
				message.on('error', reject);
			});
			request.setTimeout(within, () => request.destroy(
				new Error(`${method} ${path}: no reply within ${within} ms`)));
			request.on('error', (error) =>
				reject(Object.assign(error, { reused: request.reusedSocket })));
			request.end(payload);
		});
	}

	get(path, options) {
		return this.request('GET', path, options);
	}

	post(path, json, options) {
		return this.request('POST', path, { ...options, json });
	}

	patch(path, json, options) {
		return this.request('PATCH', path, { ...options, json });
	}

	put(path, json, options) {
		return this.request('PUT', path, { ...options, json });
	}

	delete(path, options) {
		return this.request('DELETE', path, options);
	}

	close() {
		this.agent.destroy();
	}
}

export async function signIn(client, credentials = OWNER) {
	const reply = await client.post('/v1/auth/login', credentials);
	if (reply.status !== 200)
		throw new Error(`sign-in of ${credentials.email}: ${reply.status} ${reply.text}`);
	return reply.json;
}

// The code in the newest mail to an address, of a stack whose mail becomes files.
export async function mailedCode(stack, address) {
	const folder = path.join(stack.state, 'mail');
	const codes = () => (fs.existsSync(folder) ? fs.readdirSync(folder).sort().reverse() : [])
		.filter((name) => name.endsWith('.eml'))
		.map((name) => fs.readFileSync(path.join(folder, name), 'utf8'))
		.filter((mail) => mail.includes(`<${address}>`) || mail.includes(`To: ${address}`))
		.map((mail) => /^ {4}([a-z2-9]{4}-[a-z2-9]{4})\r?$/m.exec(mail)?.[1]);
	await until(`a code for ${address}`, () => codes()[0] !== undefined);
	return codes()[0];
}

// The code of an authenticator app `steps` of 30 s from now (RFC 6238 over RFC 4226).
export function totpCode(secret, steps = 0) {
	const bits = [...secret].map((letter) =>
		'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0')).join('');
	const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
	const counter = Buffer.alloc(8);
	counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000) + steps));
	const mac = crypto.createHmac('sha1', key).update(counter).digest();
	const at = mac[19] & 15;
	return String((mac.readUInt32BE(at) & 0x7fffffff) % 1000000).padStart(6, '0');
}

// A file for LIMITS that changes these policies of the built-in ones.
export function policyFile(policies) {
	const file = path.join(temporaryFolder(), 'limits.json');
	fs.writeFileSync(file, JSON.stringify({ policies }));
	return file;
}

// A socket to the server that keeps what it hears.
export function connect(base, { halfOpen = false } = {}) {
	const url = new URL(base);
	const socket = net.connect({ host: url.hostname, port: Number(url.port), allowHalfOpen: halfOpen });
	const heard = { bytes: Buffer.alloc(0), closed: false };
	socket.setNoDelay(true);
	socket.on('data', (chunk) => { heard.bytes = Buffer.concat([heard.bytes, chunk]); });
	socket.on('error', () => {});
	socket.on('close', () => { heard.closed = true; });
	const ready = new Promise((resolve, reject) => {
		socket.once('connect', resolve);
		socket.once('error', reject);
	});
	return { socket, heard, ready };
}

// Sends bytes on a connection of their own and gives all that comes back until the
// server closes it, or falls silent for `silence` ms, or `within` ms are over.
export async function exchange(base, bytes, { silence = 1000, within = 15000 } = {}) {
	const { socket, heard, ready } = connect(base);
	await ready;
	socket.write(bytes);
	let size = -1, since = Date.now();
	const end = Date.now() + within;
	while (!heard.closed && Date.now() < end) {
		if (heard.bytes.length !== size) {
			size = heard.bytes.length;
			since = Date.now();
		} else if (Date.now() - since > silence) {
			break;
		}
		await new Promise((resolve) => setTimeout(resolve, 5));
	}
	socket.destroy();
	return heard.bytes;
}

export function median(numbers) {
	const sorted = [...numbers].sort((a, b) => a - b);
	return sorted[Math.floor(sorted.length / 2)];
}

// Runs `work(i)` for i in 0 … count-1, at most `width` at a time.
export async function inParallel(count, width, work) {
	const results = new Array(count);
	let next = 0;
	await Promise.all(Array.from({ length: Math.min(width, count) }, async () => {
		while (next < count) {
			const i = next++;
			results[i] = await work(i);
		}
	}));
	return results;
}
