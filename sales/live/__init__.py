"""What is true this second: the ledger's scripts and keys, and the connections to both servers.

The only importer of redis. Knows nothing of the record: who asks says sale, epoch, shopper.
"""
