// The proxy of redis.mjs: passes on what it hears, or does to it what FAULTS says.  As a thread it serves one, and
// does what its parent tells it.
import net from 'node:net';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';

const SLOW_MS = 200;                    // the deadline of the tests is a quarter of it

// `reply`: what every command is answered with.
export const FAULTS = {
	hung: { cause: 'timeout' },
	slow: { cause: 'timeout' },
	refusing: { cause: 'refused' },
	dropping: { cause: 'closed' },
	loading: { cause: 'loading', reply: '-LOADING Redis is loading the dataset in memory\r\n' },
	moved: { cause: 'moved', reply: '-MOVED 3999 no-such-node.invalid:6379\r\n' },
	migrating: { cause: 'ask', reply: '-ASK 3999 127.0.0.1:1\r\n' },
	replica: { cause: 'read_only', reply: "-READONLY You can't write against a read only replica.\r\n" },
	full: { cause: 'no_memory', reply: "-OOM command not allowed when used memory > 'maxmemory'.\r\n" },
	busy: { cause: 'busy', reply: '-BUSY Redis is busy running a script.\r\n' },
	locked: { cause: 'no_auth', reply: '-NOAUTH Authentication required.\r\n' },
	strange: { cause: 'garbage', reply: 'HTTP/1.1 400 Bad Request\r\n\r\n' },
};

class Proxy {
	constructor(socket) {
		this.redis = socket;
		this.fault = 'good';
		this.sockets = new Set();
		this.heard = '';
	}

	listen(port = 0) {
		this.server = net.createServer((client) => this.serve(client));
		return new Promise((resolve, reject) => {
			this.server.once('error', reject);
			this.server.listen(port, '127.0.0.1', () => {
				this.port = this.server.address().port;
				resolve(this.port);
			});
		});
	}

	keep(socket) {
		this.sockets.add(socket);
		socket.setNoDelay(true);
		socket.on('close', () => this.sockets.delete(socket));
		socket.on('error', () => {});
	}

	serve(client) {
		const upstream = net.connect({ path: this.redis });
		this.keep(client);
		this.keep(upstream);
		client.on('close', () => upstream.destroy());
		upstream.on('close', () => client.destroy());
		upstream.on('error', () => client.destroy());
		client.on('data', (bytes) => this.pass(bytes, client, upstream));
		upstream.on('data', (bytes) => this.answer(bytes, client));
	}

	pass(bytes, client, upstream) {
		this.heard += bytes.toString('latin1');
		const { reply } = FAULTS[this.fault] ?? {};
		if (reply !== undefined)
			client.write(reply);
		else if (this.fault === 'dropping')
			client.destroy();
		else if (this.fault !== 'hung')
			upstream.write(bytes);
	}

	answer(bytes, client) {
		if (this.fault === 'slow')
			setTimeout(() => client.writable && client.write(bytes), SLOW_MS);
		else if (this.fault !== 'hung')
			client.write(bytes);
	}

	async be(fault) {
		if (fault === 'refusing')
			await this.close();
		else if (this.fault === 'refusing')
			await this.listen(this.port);
		this.fault = fault;
	}

	forget() {
		this.heard = '';
	}

	commands(pattern) {
		return this.heard.match(new RegExp(pattern, 'g'))?.length ?? 0;
	}

	async close() {
		const closed = new Promise((resolve) => this.server.close(resolve));
		for (const socket of this.sockets)
			socket.destroy();
		await closed;
	}
}

if (!isMainThread && workerData?.socket) {
	const proxy = new Proxy(workerData.socket);
	parentPort.on('message', async ({ name, args }) => parentPort.postMessage(await proxy[name](...args)));
}
