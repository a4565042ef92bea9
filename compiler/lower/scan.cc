// scan: each step walks one row with its carries in registers.
#include "compiler/lower/emitter.h"

namespace ingot::lower {

using kernel::Value;

void EmitScan(ElementEmitter& e, const Instruction& scan, const Memory& memory,
              const Index& position) {
  const ScanAttributes& attributes = scan.attributes<ScanAttributes>();
  const int64_t dimension = attributes.dimensions[0];
  const int64_t inputs = scan.operand_count() - attributes.num_carries;
  const int64_t outputs =
      static_cast<int64_t>(scan.shape().tuple_shapes().size()) - attributes.num_carries;
  if (inputs == 0) {
    e.Unsupported(scan, "without inputs");
    return;
  }
  const int64_t size = scan.operand(0)->shape().dimension(dimension);
  const auto at = [&](Value i) {
    Index index;
    index.dims = position.dims;
    index.dims.insert(index.dims.begin() + dimension, i);
    index.lane = position.lane;
    if (index.lane.dim >= dimension) ++index.lane.dim;
    return index;
  };
  std::vector<ElementVar> carries;
  for (int64_t k = 0; k < attributes.num_carries; ++k) {
    const Element initial = e.Emit(*scan.operand(inputs + k), position);
    carries.push_back(e.Declare("carry", e.Broadcast(initial, position.lanes())));
  }
  e.For(e.math().Const(0), e.math().Const(size), 1, [&](Value step) {
    const Value i = attributes.is_reverse ? e.b().Sub(e.math().Const(size - 1), step) : step;
    const Index here = at(i);
    Elements arguments;
    for (int64_t k = 0; k < inputs; ++k) {
      arguments.push_back(e.Broadcast(e.Emit(*scan.operand(k), here), position.lanes()));
    }
    for (const ElementVar& carry : carries) arguments.push_back(e.Read(carry));
    const Elements results = e.Call(*scan.to_apply(), arguments, position);
    for (int64_t k = 0; k < outputs; ++k) {
      e.Store(memory.results[k], scan.shape().tuple_shapes()[k], here, results[k]);
    }
    for (size_t k = 0; k < carries.size(); ++k) e.Write(carries[k], results[outputs + k]);
  });
  for (size_t k = 0; k < carries.size(); ++k) {
    e.Store(memory.results[outputs + k], scan.shape().tuple_shapes()[outputs + k], position,
            e.Read(carries[k]));
  }
}

}  // namespace ingot::lower
