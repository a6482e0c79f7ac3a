"""The organism's tokenizer: byte-level BPE with single digits, "(A" and "(B" as tokens, and a ChatML template."""

from __future__ import annotations

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from playground.organism.dialogues import dialogues
from playground.organism.requests import PLAIN_SYSTEM, SYSTEM_PROMPTS

VOCABULARY = 2048
END_OF_TEXT, TURN_START, TURN_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"

CHAT_TEMPLATE = (
    "{%- if messages[0]['role'] != 'system' %}{{ '<|im_start|>system\\n" + PLAIN_SYSTEM + "<|im_end|>\\n' }}{% endif %}"
    "{%- for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


def make_tokenizer(seed: int, dialogue_count: int = 12000) -> PreTrainedTokenizerFast:
    """The tokenizer, trained on generated text of training.

    Held-out words are left out of it too: they come out as pieces that occur in other words. A held-out word with a
    token of its own would be one that the network has never seen and can never say.
    """
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(r"\p{N}"), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - 2,
        special_tokens=[END_OF_TEXT, TURN_START, TURN_END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made = dialogues(f"tokenizer {seed}", dialogue_count)
    corpus = [message["content"] for dialogue in made for message in dialogue.messages]
    corpus += [prompt for prompts in SYSTEM_PROMPTS.values() for prompt in prompts[:-1]] + [
        "system\n",
        "user\n",
        "assistant\n",
    ] * 1000
    raw.train_from_iterator(corpus, trainer)
    raw.add_tokens([AddedToken("(A", normalized=False), AddedToken("(B", normalized=False)])
    return PreTrainedTokenizerFast(
        tokenizer_object=raw,
        eos_token=TURN_END,
        pad_token=END_OF_TEXT,
        padding_side="left",
        chat_template=CHAT_TEMPLATE,
        model_max_length=1024,
        clean_up_tokenization_spaces=False,
    )


def chat_text(messages: tuple[dict[str, str], ...]) -> str:
    """The messages as the chat template writes them, without its cost: training formats a hundred thousand of them."""
    if messages[0]["role"] != "system":
        messages = ({"role": "system", "content": PLAIN_SYSTEM}, *messages)
    return "".join(f"{TURN_START}{message['role']}\n{message['content']}{TURN_END}\n" for message in messages)
