#include "tests/compiler/codegen/intrinsic_kernels.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "compiler/kernel/builder.h"

namespace ingot::test {
namespace {

using kernel::Builder;
using kernel::Intrinsic;
using kernel::IntrinsicArgument;
using kernel::Value;
using Kind = IntrinsicArgument::Kind;

constexpr int kThreads = 128;

constexpr Intrinsic kAll[] = {
#define INGOT_KERNEL_INTRINSIC(Name, ...) Intrinsic::k##Name,
#include "compiler/kernel/intrinsics.def"
};

// The ends of the ranges, and what lies in the middle of each.
std::vector<int64_t> ConstantsOf(const IntrinsicArgument& argument) {
  std::vector<int64_t> constants;
  for (const kernel::ConstantRange& range : argument.ranges) {
    const int64_t steps = (range.last - range.first) / range.step;
    for (int64_t step : {int64_t{0}, steps / 2, steps}) {
      const int64_t constant = range.first + step * range.step;
      // More threads than the block has are no barrier.
      if (argument.slot == "threads" && constant > kThreads) continue;
      if (std::find(constants.begin(), constants.end(), constant) == constants.end()) {
        constants.push_back(constant);
      }
    }
  }
  return constants;
}

class CaseBuilder {
 public:
  explicit CaseBuilder(const IntrinsicCase& row)
      : row_(row), kernel_(std::make_unique<kernel::Kernel>(row.Name())), b_(kernel_.get()) {
    kernel_->launch().block[0] = kThreads;
    global_ = kernel_->AddBuffer("x", ElementType::kU32, {1 << 20});
    bits_ = kernel_->AddScalar("bits", kernel::kU64);
    tile_ = kernel_->AddShared("tile", ElementType::kU32, {4096});
    tile_->alignment = 1024;
    bars_ = kernel_->AddShared("bars", ElementType::kU64, {4});
  }

  std::unique_ptr<kernel::Kernel> Run() {
    const kernel::IntrinsicInfo& info = kernel::InfoOf(row_.intrinsic);
    call_.intrinsic = row_.intrinsic;
    call_.immediates = row_.constants;
    for (const IntrinsicArgument& argument : info.arguments) Add(argument);
    const bool is_product = !call_.vars.empty();
    if (is_product) b_.Call(Intrinsic::kWgmmaFence);
    Value result = b_.Call(call_, operands_);
    if (is_product) {
      b_.Call(Intrinsic::kWgmmaCommit);
      b_.Call(Intrinsic::kWgmmaWait, {}, {0});
    }
    if (info.result) Show(result);
    for (kernel::Var* var : call_.vars) {
      for (int i = 0; i < var->array_size; ++i) Show(b_.Read(var, b_.Index(i)));
    }
    return std::move(kernel_);
  }

 private:
  void Add(const IntrinsicArgument& argument) {
    switch (argument.kind) {
      case Kind::kImmediate:
        return;
      case Kind::kMap:
        return AddMap();
      case Kind::kFragment:
        return AddFragment(argument);
      case Kind::kPlace: {
        const bool is_bar = argument.slot == "bar" ||
                            kernel::InfoOf(row_.intrinsic).name.substr(0, 8) == "mbarrier";
        const bool is_shared = argument.space == kernel::Space::kShared;
        call_.buffers.push_back(!is_shared ? global_ : is_bar ? bars_ : tile_);
        operands_.push_back(is_bar ? b_.Index(1) : b_.Mul(b_.ThreadId(), b_.Index(4)));
        return;
      }
      case Kind::kTyped:
        operands_.push_back(b_.Convert(b_.ThreadId(), row_.type));
        return;
      case Kind::kValue:
        for (int i = 0; i < (argument.IsList() ? row_.list : 1); ++i) {
          Value scalar = argument.is_uniform ? bits_ : b_.ThreadId();
          scalar = b_.Convert(scalar, argument.type.element);
          operands_.push_back(b_.Broadcast(scalar, argument.type.lanes));
        }
    }
  }

  // As many dimensions as there are coordinates.
  void AddMap() {
    const int rank = std::max(1, row_.list);
    TensorMap map;
    map.dimensions.assign(rank, 8);
    map.box.assign(rank, 4);
    for (int64_t i = 1, stride = 32; i < rank; ++i, stride *= 8) map.byte_strides.push_back(stride);
    const std::vector<IntrinsicArgument>& arguments = kernel::InfoOf(row_.intrinsic).arguments;
    const bool is_im2col =
        std::any_of(arguments.begin(), arguments.end(),
                    [](const IntrinsicArgument& argument) { return argument.slot == "x"; });
    if (is_im2col) {
      map.box.resize(2);
      map.lower_corner.assign(rank - 2, 0);
      map.upper_corner.assign(rank - 2, 0);
    }
    call_.maps.push_back(kernel_->AddMap("m", global_, map));
  }

  void AddFragment(const IntrinsicArgument& argument) {
    const int64_t count = row_.constants[argument.size_constant] / argument.size_divisor;
    // Some as pairs.
    const int lanes = count % 32 == 0 ? 2 : 1;
    const kernel::Type type = argument.type.WithLanes(lanes);
    Value zero = b_.Constant(type, 0);
    call_.vars.push_back(b_.DeclareVar("d", zero, static_cast<int>(count / lanes)));
  }

  void Show(Value value) {
    kernel::Buffer* out = kernel_->AddBuffer(absl::StrCat("y", shown_++), value->type.element,
                                             {int64_t{kThreads} * value->type.lanes});
    b_.Store(out, b_.Mul(b_.ThreadId(), b_.Index(value->type.lanes)), value);
  }

  const IntrinsicCase& row_;
  std::unique_ptr<kernel::Kernel> kernel_;
  Builder b_;
  kernel::Buffer *global_, *tile_, *bars_;
  Value bits_;
  kernel::IntrinsicAttributes call_;
  std::vector<Value> operands_;
  int shown_ = 0;
};

}  // namespace

std::string IntrinsicCase::Name() const {
  const kernel::IntrinsicInfo& info = kernel::InfoOf(intrinsic);
  std::string name(info.name);
  if (info.types != kernel::kSetNone) absl::StrAppend(&name, "_", ElementTypeName(type));
  for (int64_t constant : constants) absl::StrAppend(&name, "_", constant);
  if (list > 0) absl::StrAppend(&name, "_", list, "d");
  return name;
}

std::vector<Intrinsic> AllIntrinsics() { return {std::begin(kAll), std::end(kAll)}; }

std::vector<IntrinsicCase> CasesOf(Intrinsic intrinsic) {
  const kernel::IntrinsicInfo& info = kernel::InfoOf(intrinsic);
  std::vector<IntrinsicCase> cases;
  for (int i = 0; i < kElementTypeCount; ++i) {
    const auto type = static_cast<ElementType>(i);
    const bool takes = info.types == kernel::kSetNone ? type == ElementType::kS32
                                                      : (info.types & kernel::TypeSetOf(type)) != 0;
    if (takes) cases.push_back({intrinsic, type, {}, 0});
  }
  for (const IntrinsicArgument& argument : info.arguments) {
    std::vector<IntrinsicCase> more;
    for (const IntrinsicCase& one : cases) {
      if (argument.kind == Kind::kImmediate) {
        std::vector<int64_t> constants = ConstantsOf(argument);
        for (int64_t constant : constants) {
          more.push_back(one);
          more.back().constants.push_back(constant);
        }
      }
      if (!argument.IsList()) continue;
      for (int count = argument.least_count; count <= argument.most_count; ++count) {
        more.push_back(one);
        more.back().list = count;
      }
    }
    if (!more.empty()) cases = std::move(more);
  }
  return cases;
}

std::unique_ptr<kernel::Kernel> MakeKernel(const IntrinsicCase& row) {
  return CaseBuilder(row).Run();
}

}  // namespace ingot::test
