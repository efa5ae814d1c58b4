"""Makes other quantisations of a small GGUF file, so that a first run already has models to compare."""

import os
from pathlib import Path
from typing import Any


def requantise(source: Path, target: Path, quant: str) -> None:
    """Write `source` to `target` with its Q4_1 tensors as `quant`; all other tensors and the metadata are kept.

    Args:
        source: a GGUF file with Q4_1 tensors.
        target: appears only when complete.
        quant: a name of `gguf.GGMLQuantizationType`, such as "Q8_0".
    """
    import gguf

    reader = gguf.GGUFReader(source)
    kind = gguf.GGMLQuantizationType[quant]
    part = target.with_suffix(f".part-{os.getpid()}")
    writer = gguf.GGUFWriter(part, _text(reader, "general.architecture"))
    _copy_metadata(gguf, reader, writer, file_type=gguf.LlamaFileType[f"MOSTLY_{quant}"])
    for tensor in reader.tensors:
        if tensor.tensor_type == gguf.GGMLQuantizationType.Q4_1:
            values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
            writer.add_tensor(tensor.name, gguf.quants.quantize(values, kind), raw_dtype=kind)
        else:
            writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    part.replace(target)


def _copy_metadata(gguf: Any, reader: Any, writer: Any, *, file_type: int) -> None:
    own = {"GGUF.version", "GGUF.tensor_count", "GGUF.kv_count", "general.architecture"}
    for field in reader.fields.values():
        if field.name in own:
            continue
        if field.name == "general.file_type":
            writer.add_uint32(field.name, int(file_type))
            continue
        inner = field.types[1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, field.contents(), field.types[0], sub_type=inner)


def _text(reader: Any, name: str) -> str:
    return str(reader.fields[name].contents())
