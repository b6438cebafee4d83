'use strict';

// A contract that keeps notes. It runs as a service: peers call it, and its environment tells by
// which package they know it, and where it listens.

const shim = require('fabric-shim');

class Notes {
    // There is nothing to begin with.
    async Init() {
        return shim.success();
    }

    // `put NAME TEXT`, `get NAME`, `remove NAME`.
    async Invoke(stub) {
        const {fcn, params} = stub.getFunctionAndParameters();
        const [name, text] = params;
        if (fcn === 'put' && params.length === 2) {
            await stub.putState(name, Buffer.from(text));
            return shim.success();
        }
        if (fcn === 'get' && params.length === 1) {
            const note = await stub.getState(name);
            return note.length > 0 ? shim.success(note) : shim.error(`there is no note ${name}`);
        }
        if (fcn === 'remove' && params.length === 1) {
            await stub.deleteState(name);
            return shim.success();
        }
        return shim.error('write put NAME TEXT, get NAME, or remove NAME');
    }
}

const server = shim.server(new Notes(), {
    ccid: process.env.CHAINCODE_ID,
    address: process.env.CHAINCODE_SERVER_ADDRESS,
});
server.start();
// As process 1 it ends only if it says so itself.
process.on('SIGTERM', () => process.exit(0));
