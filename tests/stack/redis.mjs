// Redis for the stack tests, and what may become of it.
//
//   startRedis()              a redis-server on a unix socket of its own → Redis
//     redis.kill(), redis.start(), redis.stop()
//   startProxy(redis)         a TCP port before it → Proxy, which passes everything on until it is told else:
//     proxy.url               for REDIS_URL
//     await proxy.be('hung')  one of FAULTS, or 'good'
//     await proxy.commands(/EVALSHA/)  how many commands like that came since await proxy.forget()
import { spawn } from 'node:child_process';
import net from 'node:net';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { cleanUp, temporaryFolder, until } from './harness.mjs';
import { FAULTS } from './redis_proxy.mjs';

export { FAULTS };

class Redis {
	constructor() {
		this.folder = temporaryFolder();
		this.socket = path.join(this.folder, 'redis.sock');
		cleanUp(() => this.child?.kill('SIGKILL'));
	}

	async start() {
		this.child = spawn('redis-server', ['--port', '0', '--unixsocket', this.socket, '--save', '', '--appendonly', 'no',
			'--dir', this.folder], { stdio: 'ignore' });
		await until('redis-server', () => this.ask('PING'));
		return this;
	}

	ask(command) {
		return new Promise((resolve, reject) => {
			const socket = net.connect({ path: this.socket });
			socket.once('connect', () => socket.write(`${command}\r\n`));
			socket.once('data', (bytes) => { socket.destroy(); resolve(bytes.toString()); });
			socket.once('error', reject);
		});
	}

	async kill() {
		const gone = new Promise((resolve) => this.child.once('exit', resolve));
		this.child.kill('SIGKILL');
		await gone;
	}

	async stop() {
		if (this.child.exitCode === null && this.child.signalCode === null)
			await this.kill();
	}
}

// Of redis_proxy.mjs, in a thread of its own: a test that is busy with itself would be a Redis that is slow.
class RemoteProxy {
	constructor(redis) {
		this.worker = new Worker(new URL('./redis_proxy.mjs', import.meta.url), { workerData: { socket: redis.socket } });
		this.waiting = [];
		this.worker.on('message', (answer) => this.waiting.shift()(answer));
	}

	call(name, ...args) {
		return new Promise((resolve) => {
			this.waiting.push(resolve);
			this.worker.postMessage({ name, args });
		});
	}

	async listen() {
		this.port = await this.call('listen');
		return this;
	}

	get url() {
		return `redis://127.0.0.1:${this.port}`;
	}

	be(fault) {
		return this.call('be', fault);
	}

	forget() {
		return this.call('forget');
	}

	commands(pattern) {
		return this.call('commands', pattern.source);
	}

	async close() {
		await this.call('close');
		await this.worker.terminate();
	}
}

export const startRedis = () => new Redis().start();
export const startProxy = (redis) => new RemoteProxy(redis).listen();
