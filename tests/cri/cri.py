#!/usr/bin/python3
"""Calls a container engine as the kubelet does.

cri.py SOCKET: reads lines "METHOD REQUEST" with the request as JSON. Each is answered by one line
of JSON, {"answer": ...} or {"error": ...}, and a line "end of answer N", counted from 1.
"""
import json
import pathlib
import subprocess
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

PROTO = pathlib.Path(__file__).with_name("cri.proto")


def services():
    compiled = subprocess.run(
        ["protoc", f"--proto_path={PROTO.parent}", "--descriptor_set_out=/dev/stdout", PROTO.name],
        check=True, stdout=subprocess.PIPE).stdout
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(compiled).file:
        pool.Add(file)
    return pool.FindFileByName(PROTO.name).services_by_name.values()


def calls(channel):
    """Maps the name of a method to a function from JSON to JSON."""
    factory = message_factory.MessageFactory()

    def call(service, method):
        request_type = factory.GetPrototype(method.input_type)
        remote = channel.unary_unary(
            f"/{service.full_name}/{method.name}",
            request_serializer=request_type.SerializeToString,
            response_deserializer=factory.GetPrototype(method.output_type).FromString)
        return lambda request: json_format.MessageToDict(
            remote(json_format.ParseDict(request, request_type()), timeout=50),
            including_default_value_fields=True, preserving_proto_field_name=True)

    return {method.name: call(service, method)
            for service in services() for method in service.methods}


def main():
    with grpc.insecure_channel("unix:" + sys.argv[1]) as channel:
        known = calls(channel)
        for number, line in enumerate(sys.stdin, 1):
            method, request = line.split(" ", 1)
            try:
                result = {"answer": known[method](json.loads(request))}
            except grpc.RpcError as error:
                result = {"error": f"{error.code().name}: {error.details()}"}
            print(json.dumps(result), f"end of answer {number}", sep="\n", flush=True)


main()
