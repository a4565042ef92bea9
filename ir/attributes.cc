#include "ir/attributes.h"

#include "absl/hash/hash.h"

namespace ingot {

Attributes DefaultAttributes(Opcode opcode) {
  switch (opcode) {
#define INGOT_OPCODE(enumerator, name, arity, kind, attributes, calls, facts) \
  case Opcode::enumerator:                                                    \
    return attributes();
#include "ir/opcodes.def"
  }
  return NoAttributes();
}

namespace {

// Combines the hashes of whatever fields are made of.
class Hasher {
 public:
  void operator()(const char*, const auto& value, Field) { Add(value); }
  void Add(int64_t value) { Mix(static_cast<size_t>(value)); }
  void Add(bool value) { Mix(value); }
  void Add(double value) { Mix(absl::Hash<double>()(value)); }
  void Add(const std::string& value) { Mix(absl::Hash<std::string>()(value)); }
  void Add(const Verbatim& value) { Add(value.text); }
  template <typename E, std::enable_if_t<std::is_enum_v<E>, int> = 0>
  void Add(E value) {
    Mix(static_cast<size_t>(value));
  }
  template <typename T>
  void Add(const std::optional<T>& value) {
    Mix(value.has_value());
    if (value.has_value()) Add(*value);
  }
  template <typename T>
  void Add(const std::vector<T>& values) {
    Mix(values.size());
    for (const auto& value : values) Add(static_cast<const T&>(value));
  }
  void Add(const Window& window) { Add(window.dimensions); }
  void Add(const WindowDimension& d) {
    for (int64_t v :
         {d.size, d.stride, d.padding_low, d.padding_high, d.base_dilation, d.window_dilation})
      Add(v);
    Add(d.reversal);
  }
  void Add(const PaddingDimension& d) {
    for (int64_t v : {d.low, d.high, d.interior}) Add(v);
  }
  void Add(const SliceDimension& d) {
    for (int64_t v : {d.start, d.limit, d.stride}) Add(v);
  }
  void Add(const ConvolutionDimensions& d) {
    for (int64_t v : {d.input_batch, d.input_feature, d.kernel_input_feature,
                      d.kernel_output_feature, d.output_batch, d.output_feature}) {
      Add(v);
    }
    for (const auto* v : {&d.input_spatial, &d.kernel_spatial, &d.output_spatial}) Add(*v);
  }
  void Mix(size_t value) { hash_ = absl::HashOf(hash_, value); }
  size_t hash() const { return hash_; }

 private:
  size_t hash_ = 0;
};

}  // namespace

size_t HashAttributes(const Attributes& attributes) {
  Hasher hasher;
  hasher.Mix(attributes.index());
  std::visit([&](const auto& value) { value.VisitFields(value, hasher); }, attributes);
  // The two structs with a value that stands between the parentheses, not among the fields.
  if (const auto* constant = std::get_if<ConstantAttributes>(&attributes)) {
    hasher.Mix(constant->literal.Hash());
  } else if (const auto* parameter = std::get_if<ParameterAttributes>(&attributes)) {
    hasher.Add(parameter->number);
  }
  return hasher.hash();
}

}  // namespace ingot
