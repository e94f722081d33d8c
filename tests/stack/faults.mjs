// A disk that fails and a clock that steps, for handlers behind a real web server (tests/fault/fault.c).
//
//   new Faults()                 nothing happens yet; env: what a stack or a command is started with
//     faults.disk = 'full'       of the files in STATE_DIR: 'good', 'full', 'read-only', 'broken', 'unsafe'
//     faults.clockMs = -3600000  added to the clock of the handlers
//     faults.hits                how often something was refused
import fs from 'node:fs';
import path from 'node:path';
import { BUILD, temporaryFolder } from './harness.mjs';

const DISK = ['good', 'full', 'read-only', 'broken', 'unsafe'];
const BYTES = 16;                       // struct control

export class Faults {
	constructor() {
		const folder = temporaryFolder();
		const { uid, gid } = fs.statSync(folder);
		fs.chmodSync(folder, 0o755);
		// Where the user of the handlers can read it.
		this.library = path.join(folder, 'fault.so');
		fs.copyFileSync(path.join(BUILD, 'tests/fault/fault.so'), this.library);
		fs.chmodSync(this.library, 0o755);
		this.file = path.join(folder, 'control');
		fs.writeFileSync(this.file, Buffer.alloc(BYTES));
		fs.chownSync(this.file, uid, gid);
		this.fd = fs.openSync(this.file, 'r+');
	}

	get env() {
		const link = { ASAN_OPTIONS: [process.env.ASAN_OPTIONS, 'verify_asan_link_order=0'].filter(Boolean).join(':') };
		return { LD_PRELOAD: this.library, QUIVER_FAULT: this.file, ...link };
	}

	set disk(name) {
		const word = Buffer.alloc(4);
		word.writeInt32LE(DISK.indexOf(name));
		fs.writeSync(this.fd, word, 0, 4, 0);
	}

	set clockMs(ms) {
		const word = Buffer.alloc(8);
		word.writeBigInt64LE(BigInt(ms));
		fs.writeSync(this.fd, word, 0, 8, 8);
	}

	get hits() {
		const word = Buffer.alloc(4);
		fs.readSync(this.fd, word, 0, 4, 4);
		return word.readInt32LE();
	}
}
