// Program: what the compiler makes and the runtime runs.  Plain data: code, constants, the size of
// one arena, descriptions of inputs and outputs, and an ordered list of commands.  It knows no HLO:
// tuples are flattened by the compiler, and a `label` is the only trace of an instruction.
//
// A Program may come from an untrusted file: nothing runs it before Validate has accepted it.
#ifndef INGOT_RUNTIME_PROGRAM_H_
#define INGOT_RUNTIME_PROGRAM_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "ir/base/shape.h"
#include "ir/base/tensor_map.h"
#include "runtime/library_call.h"

namespace ingot::runtime {

// Alignment of the arena's base, and what a compiler should round offsets in it to.
inline constexpr int64_t kArenaAlignment = 256;
// What a kernel may assume of the addresses of inputs, outputs and constants; less is refused.
inline constexpr int64_t kParameterAlignment = 16;
// Alignment of constants in a file, so that they can be mapped.
inline constexpr int64_t kConstantAlignment = 4096;
// While, conditional and library calls nest at most this deep.
inline constexpr int kMaxCommandDepth = 64;

// Immutable bytes with shared ownership: a vector, a mapped file, a literal.
class SharedBytes {
 public:
  SharedBytes() = default;
  // `owner` keeps `bytes` alive.
  SharedBytes(std::shared_ptr<const void> owner, absl::Span<const uint8_t> bytes)
      : owner_(std::move(owner)), bytes_(bytes) {}
  // Takes the vector over.
  static SharedBytes Own(std::vector<uint8_t> bytes);

  absl::Span<const uint8_t> span() const { return bytes_; }
  const std::shared_ptr<const void>& owner() const { return owner_; }
  const uint8_t* data() const { return bytes_.data(); }
  int64_t size() const { return static_cast<int64_t>(bytes_.size()); }

 private:
  std::shared_ptr<const void> owner_;
  absl::Span<const uint8_t> bytes_;
};

// --- Code ----------------------------------------------------------------------------------------

enum class CodeFormat : uint8_t {
  // A relocatable, position-independent x86-64 ELF object without undefined symbols, small code
  // model; loaded by runtime/host/elf_loader.h, which lists the relocations that it applies.
  kElfObject,
  kCubin,
  kPtx,
  // Kernel IR in its text form (docs/kernel_ir.md), for the simulator.
  kKernelText,
  // Addresses of functions in this process (just-in-time compilation).  Not written to files.
  kFunctions,
};

// A function of a kFunctions module; host kernels only (runtime/host/kernel_abi.h).
struct Function {
  std::string name;
  void* address = nullptr;
};

struct CodeModule {
  std::string name;
  // What runs it: "x86_64-v3", "x86_64-v4" (psABI levels), "sm_90a", "sim:sm_90a", or
  // "host" (kFunctions only).
  std::string architecture;
  // CPU features beyond the level, by LLVM's names: "avx512bf16", "gfni".
  std::vector<std::string> features;
  CodeFormat format = CodeFormat::kElfObject;
  SharedBytes bytes;  // kFunctions: empty
  // kCubin only: PTX of the same kernels, which the driver assembles for cards that the machine
  // code is not for; empty: there is none.
  SharedBytes ptx;
  std::vector<Function> functions;    // kFunctions only
  std::shared_ptr<const void> owner;  // kFunctions only: keeps the code mapped
};

// --- Buffers -------------------------------------------------------------------------------------

enum class Allocation : uint8_t { kArena, kInput, kOutput, kConstant };

// Bytes [offset, offset + size) of an allocation.
struct BufferSlice {
  Allocation allocation = Allocation::kArena;
  int32_t index = 0;  // which input, output or constant; 0 for the arena
  int64_t offset = 0;
  int64_t size = 0;

  bool operator==(const BufferSlice&) const = default;
};

enum class Access : uint8_t { kRead, kWrite, kReadWrite };

struct Constant {
  std::string name;
  SharedBytes bytes;
};

struct Input {
  std::string name;
  Shape shape;  // an array; its layout, if stated, is how the caller lays the elements out
  // Integers that are indices: the number of places that they index, for whoever makes values up;
  // 0 where that is not known.
  int64_t index_limit = 0;
};

struct Output {
  std::string name;
  Shape shape;  // an array
  // An input whose contents are in this output's buffer when the run begins, or -1.  Where the
  // caller binds the same memory to both, nothing is copied and the input is overwritten (a
  // donation); otherwise the executor copies input to output first, and the input stays as it is.
  // Both have the same size.
  int32_t aliased_input = -1;
};

// --- Commands ------------------------------------------------------------------------------------

struct BufferArgument {
  BufferSlice slice;
  Access access = Access::kReadWrite;
};

// Little-endian bytes of a scalar parameter: 1, 2, 4 or 8 of them.
struct ScalarArgument {
  uint64_t bits = 0;
  uint8_t bytes = 8;
};

// A tensor map that the CUDA driver encodes (cuTensorMapEncodeTiled) once the address is known.
struct TensorMapArgument {
  BufferSlice slice;  // its address is the map's
  Access access = Access::kRead;
  TensorMap map;
};

using Argument = std::variant<BufferArgument, ScalarArgument, TensorMapArgument>;

struct Dim3 {
  uint32_t x = 1, y = 1, z = 1;
  bool operator==(const Dim3&) const = default;
};

// Runs a kernel.  Arguments are in the order of the kernel's parameters.
struct Launch {
  int32_t module = 0;
  std::string kernel;
  std::vector<Argument> arguments;
  // Host: the kernel is called for ranges of tasks [0, tasks).
  int64_t tasks = 1;
  // GPU.
  Dim3 grid, block;
  Dim3 cluster;  // 1,1,1: no cluster
  uint32_t dynamic_shared_bytes = 0;
  // The grid has as many blocks along x as the card holds at once, at most `grid.x` and at least a
  // cluster: decided when the program is loaded.  The kernel asks how many there are.
  bool resident = false;
  bool cooperative = false;
  // It may begin before the launch before it has ended, and waits for that end itself, in every
  // case: whoever waits for this launch waits for that one too.
  bool programmatic = false;
};

// destination ← source; sizes are equal, slices do not overlap.
struct Copy {
  BufferSlice source;
  BufferSlice destination;
  std::string reason = {};  // why what made the source did not make it there, for people
};

// destination ← the low `pattern_bytes` (1, 2 or 4) bytes of `pattern`, again and again.
struct Fill {
  BufferSlice destination;
  uint32_t pattern = 0;
  uint8_t pattern_bytes = 1;
};

struct Command;

// loop { condition; if (!predicate) break; body }.  The loop's state is in buffers that both lists
// name; `predicate` is one byte, written by `condition`.  Where `trip_count` is not negative, the
// body runs so many times, and who knows that need not ask the condition.
struct While {
  std::vector<Command> condition;
  BufferSlice predicate;
  std::vector<Command> body;
  int64_t trip_count = -1;
};

enum class Selector : uint8_t {
  kPred,   // one byte: branches[0] when it is not zero, branches[1] when it is
  kIndex,  // s32: branches[index], the last one when the index is out of range
};

struct Conditional {
  Selector selector = Selector::kPred;
  BufferSlice index;
  std::vector<std::vector<Command>> branches;
};

// A call into a vendor library that is looked for at run time.  `fallback` is run where the library
// is absent or declines: a Program never needs the library.
struct LibraryCall {
  LibraryOperation operation;
  std::vector<BufferSlice> inputs;  // as the operation's struct lists its operands
  BufferSlice output;
  std::vector<Command> fallback;
};

using Operation = std::variant<Launch, Copy, Fill, While, Conditional, LibraryCall>;

struct Command {
  std::string label;  // name of the HLO instruction it came from, for people
  Operation operation;
  // What the command must move and compute, for profiles and for deciding how many threads it is
  // worth; 0 when not known.
  int64_t bytes = 0;
  int64_t flops = 0;
};

// --- Program -------------------------------------------------------------------------------------

struct Program {
  std::string name;
  // "host", "cuda" or "sim": which kind of Device runs it.
  std::string platform;
  // How it was compiled, for people and for the keys of caches: "fusion=cost numerics=default".
  // Empty where that is not known.
  std::string options;
  // Least version of the CUDA driver interface (cuDriverGetVersion: 12040 is 12.4); 0 on the host.
  int32_t driver_version = 0;
  std::vector<CodeModule> modules;
  std::vector<Constant> constants;
  std::vector<Input> inputs;
  std::vector<Output> outputs;
  int64_t arena_size = 0;
  // Run in this order, each seeing what those before it wrote.
  std::vector<Command> commands;
};

// Bytes of the allocation that `slice` lies in; nullopt when there is no such allocation.
std::optional<int64_t> AllocationSize(const Program& program, const BufferSlice& slice);

// "elf-object", "cubin", "ptx", "kernel-text", "functions".
absl::string_view CodeFormatName(CodeFormat format);

// InvalidArgument unless every index and slice is in bounds, every shape is a valid array, nothing
// writes an input or a constant, sizes agree where commands require it, nesting is bounded, and
// each argument is one that the platform knows.  Linear in the size of the program.
absl::Status Validate(const Program& program);

// The program for a person: inputs, outputs, constants, the arena's plan (each slice with the
// commands that first and last touch it), and the commands, numbered and nested.  Requires:
// Validate(program).
std::string ToString(const Program& program);

// "arena[512 +4096]", "input 0", "constant 3[0 +64]": offset and size, left out where the slice is
// the whole input, output or constant.
std::string ToString(const Program& program, const BufferSlice& slice);

}  // namespace ingot::runtime

#endif  // INGOT_RUNTIME_PROGRAM_H_
