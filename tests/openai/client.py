"""The official `openai` client against a running door: chat, streams, tools, schemas, embeddings, responses,
conversations and errors. What a small model says is not judged, only what the door makes of it. Run with FREEHOLD_URL, FREEHOLD_KEY, FREEHOLD_CHAT_MODEL and FREEHOLD_EMBEDDING_MODEL set."""

import json
import os
import unittest

import openai
from openai import OpenAI

URL = os.environ["FREEHOLD_URL"]
CHAT = os.environ["FREEHOLD_CHAT_MODEL"]
EMBEDDING = os.environ["FREEHOLD_EMBEDDING_MODEL"]

client = OpenAI(base_url=f"{URL}/v1", api_key=os.environ["FREEHOLD_KEY"], max_retries=0, timeout=120)

CAPITAL = [{"role": "user", "content": "What is the capital of France? Answer with one word."}]

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"enum": ["celsius", "fahrenheit"]}},
            "required": ["city", "unit"],
            "additionalProperties": False,
        },
    },
}

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 20}, "age": {"type": "integer", "minimum": 0, "maximum": 150}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


class Models(unittest.TestCase):
    def test_the_list_names_both_models_and_their_context(self):
        models = {model.id: model for model in client.models.list()}
        self.assertIn(CHAT, models)
        self.assertIn(EMBEDDING, models)
        self.assertGreater(models[CHAT].context_length, 0)
        self.assertEqual(client.models.retrieve(CHAT).id, CHAT)

    def test_an_unknown_model_is_not_found(self):
        with self.assertRaises(openai.NotFoundError) as raised:
            client.chat.completions.create(model="no-such-model", messages=CAPITAL)
        self.assertEqual(raised.exception.code, "model_not_found")
        self.assertTrue(raised.exception.body["request_id"].startswith("req_"))


class Chat(unittest.TestCase):
    def test_an_answer_carries_usage_and_its_trace(self):
        reply = client.chat.completions.with_raw_response.create(
            model=CHAT, messages=CAPITAL, temperature=0, max_tokens=16
        )
        completion = reply.parse()
        self.assertTrue(completion.choices[0].message.content)
        self.assertIn(completion.choices[0].finish_reason, ("stop", "length"))
        usage = completion.usage
        self.assertEqual(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens)
        self.assertGreater(usage.prompt_tokens, 5)
        self.assertEqual(reply.headers["freehold-trace"], completion.freehold["trace"])
        self.assertEqual(completion.model, CHAT)

    def test_a_stream_gives_the_same_words_and_ends_with_usage(self):
        whole = client.chat.completions.create(model=CHAT, messages=CAPITAL, temperature=0, max_tokens=16)
        chunks = list(
            client.chat.completions.create(
                model=CHAT, messages=CAPITAL, temperature=0, max_tokens=16,
                stream=True, stream_options={"include_usage": True},
            )
        )
        words = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        self.assertEqual(words, whole.choices[0].message.content)
        self.assertEqual(chunks[-1].choices, [])
        self.assertEqual(chunks[-1].usage.completion_tokens, whole.usage.completion_tokens)
        self.assertTrue(chunks[-1].freehold["trace"].startswith("trc_"))
        self.assertEqual({chunk.id for chunk in chunks}, {chunks[0].id})
        self.assertTrue(all(chunk.usage is None for chunk in chunks[:-1]))

    def test_without_include_usage_no_chunk_has_it_and_the_last_names_the_trace(self):
        chunks = list(
            client.chat.completions.create(model=CHAT, messages=CAPITAL, temperature=0, max_tokens=8, stream=True)
        )
        self.assertTrue(all(chunk.usage is None for chunk in chunks))
        self.assertIsNotNone(chunks[-1].choices[0].finish_reason)
        self.assertTrue(chunks[-1].freehold["trace"].startswith("trc_"))

    def test_several_answers_stop_texts_and_log_probabilities(self):
        completion = client.chat.completions.create(
            model=CHAT, messages=[{"role": "user", "content": "Count from 1 to 9 with spaces."}], n=2, seed=7,
            temperature=0.7, max_tokens=24, stop=["5"], logprobs=True, top_logprobs=3,
        )
        self.assertEqual([choice.index for choice in completion.choices], [0, 1])
        for choice in completion.choices:
            self.assertNotIn("5", choice.message.content)
            for token in choice.logprobs.content:
                self.assertLessEqual(token.logprob, 0)
                self.assertEqual(len(token.top_logprobs), 3)

    def test_a_seed_repeats_an_answer(self):
        ask = lambda: client.chat.completions.create(
            model=CHAT, messages=CAPITAL, seed=11, temperature=1.5, max_tokens=24
        ).choices[0].message.content
        # The first answer may compute its prompt, later ones find it cached: other sums, in the last bits.
        ask()
        self.assertEqual(ask(), ask())

    def test_a_required_tool_is_called_with_arguments_of_its_schema(self):
        completion = client.chat.completions.create(
            model=CHAT, messages=[{"role": "user", "content": "Weather in Oslo?"}], tools=[WEATHER],
            tool_choice="required", temperature=0, max_tokens=80,
        )
        choice = completion.choices[0]
        self.assertEqual(choice.finish_reason, "tool_calls")
        call = choice.message.tool_calls[0]
        self.assertEqual(call.function.name, "get_weather")
        arguments = json.loads(call.function.arguments)
        self.assertEqual(set(arguments), {"city", "unit"})
        self.assertIn(arguments["unit"], ("celsius", "fahrenheit"))

    def test_streamed_tool_calls_carry_their_index(self):
        stream = client.chat.completions.create(
            model=CHAT, messages=[{"role": "user", "content": "Weather in Oslo?"}], tools=[WEATHER],
            tool_choice={"type": "function", "function": {"name": "get_weather"}}, temperature=0, max_tokens=80,
            stream=True,
        )
        deltas = [delta for chunk in stream if chunk.choices for delta in chunk.choices[0].delta.tool_calls or []]
        self.assertTrue(deltas)
        self.assertTrue(all(delta.index == 0 for delta in deltas))
        self.assertTrue(deltas[0].id)
        self.assertEqual(deltas[0].function.name, "get_weather")
        arguments = "".join(delta.function.arguments or "" for delta in deltas)
        self.assertIn("city", json.loads(arguments))

    def test_the_result_of_a_tool_is_read(self):
        call = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
        completion = client.chat.completions.create(
            model=CHAT, temperature=0, max_tokens=16,
            messages=[
                {"role": "user", "content": "Weather in Oslo?"},
                {"role": "assistant", "content": None, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "call_1", "content": "Rain."},
            ],
        )
        self.assertTrue(completion.choices[0].message.content)

    def test_a_schema_is_enforced(self):
        completion = client.chat.completions.create(
            model=CHAT, messages=[{"role": "user", "content": "Invent a person."}], temperature=0.8, seed=3,
            max_tokens=100,
            response_format={"type": "json_schema", "json_schema": {"name": "person", "schema": PERSON, "strict": True}},
        )
        person = json.loads(completion.choices[0].message.content)
        self.assertEqual(set(person), {"name", "age"})
        self.assertTrue(0 <= person["age"] <= 150)

    def test_a_keyword_that_cannot_be_enforced_is_refused_by_name(self):
        schema = {"type": "object", "properties": {"a": {"type": "array", "uniqueItems": True}}}
        with self.assertRaises(openai.BadRequestError) as raised:
            client.chat.completions.create(
                model=CHAT, messages=CAPITAL,
                response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema}},
            )
        self.assertIn("uniqueItems", raised.exception.message)


class Completions(unittest.TestCase):
    def test_text_goes_on(self):
        completion = client.completions.create(
            model=CHAT, prompt="The capital of France is", temperature=0, max_tokens=5, logprobs=1
        )
        self.assertIn("Paris", completion.choices[0].text)
        self.assertTrue(completion.choices[0].logprobs.token_logprobs)

    def test_a_stream_of_text_gives_the_same_words(self):
        ask = dict(model=CHAT, prompt="The capital of France is", temperature=0, max_tokens=5)
        whole = client.completions.create(**ask).choices[0].text
        chunks = list(client.completions.create(**ask, stream=True))
        self.assertEqual("".join(chunk.choices[0].text for chunk in chunks if chunk.choices), whole)


class Embeddings(unittest.TestCase):
    def test_what_means_the_same_is_near_in_two_languages(self):
        texts = ["The cat sleeps on the sofa.", "Die Katze schläft auf dem Sofa.", "Quarterly revenue fell by 3 %."]
        reply = client.embeddings.create(model=EMBEDDING, input=texts, extra_body={"input_type": "passage"})
        vectors = [entry.embedding for entry in reply.data]
        near, far = (sum(a * b for a, b in zip(vectors[0], other)) for other in vectors[1:])
        self.assertGreater(near, far + 0.05)
        for vector in vectors:
            self.assertAlmostEqual(sum(value * value for value in vector), 1, places=3)
        self.assertGreater(reply.usage.prompt_tokens, 10)

    def test_both_ways_of_writing_a_vector_are_the_same(self):
        floats = client.embeddings.create(model=EMBEDDING, input="x", encoding_format="float").data[0].embedding
        packed = client.embeddings.create(model=EMBEDDING, input="x").data[0].embedding
        self.assertEqual(len(floats), len(packed))
        for one, other in zip(floats, packed):
            self.assertAlmostEqual(one, other, places=6)


class Responses(unittest.TestCase):
    def test_a_response_is_kept_continued_and_deleted(self):
        first = client.responses.create(
            model=CHAT, input="My name is Ada. Say hello.", temperature=0, max_output_tokens=24
        )
        self.assertEqual(first.status if first.status != "incomplete" else "completed", "completed")
        self.assertTrue(first.output_text)
        second = client.responses.create(
            model=CHAT, input="What is my name? Answer with one word.", previous_response_id=first.id, temperature=0,
            max_output_tokens=12,
        )
        self.assertGreater(second.usage.input_tokens, first.usage.input_tokens + first.usage.output_tokens)
        self.assertEqual(client.responses.retrieve(second.id).output_text, second.output_text)
        items = client.responses.input_items.list(second.id)
        self.assertEqual(items.data[0].content[0].text, "What is my name? Answer with one word.")
        client.responses.delete(second.id)
        with self.assertRaises(openai.NotFoundError):
            client.responses.retrieve(second.id)

    def test_a_stream_of_events_ends_with_the_whole_response(self):
        events = list(
            client.responses.create(
                model=CHAT, input="What is the capital of France? One word.", temperature=0, max_output_tokens=12,
                stream=True,
            )
        )
        self.assertEqual([event.sequence_number for event in events], list(range(len(events))))
        self.assertEqual([event.type for event in events[:2]], ["response.created", "response.in_progress"])
        words = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        last = events[-1]
        self.assertIn(last.type, ("response.completed", "response.incomplete"))
        self.assertEqual(last.response.output_text, words)
        self.assertTrue(last.response.usage.output_tokens)

    def test_a_function_is_called(self):
        tool = {"type": "function", "name": "get_weather", "parameters": WEATHER["function"]["parameters"], "strict": True}
        response = client.responses.create(
            model=CHAT, input="Weather in Oslo?", tools=[tool], tool_choice="required", temperature=0,
            max_output_tokens=80,
        )
        call = response.output[-1]
        self.assertEqual((call.type, call.name), ("function_call", "get_weather"))
        self.assertIn("city", json.loads(call.arguments))

    def test_a_schema_is_enforced(self):
        response = client.responses.create(
            model=CHAT, input="Invent a person.", temperature=0, max_output_tokens=100,
            text={"format": {"type": "json_schema", "name": "person", "schema": PERSON, "strict": True}},
        )
        self.assertEqual(set(json.loads(response.output_text)), {"name", "age"})


class Conversations(unittest.TestCase):
    def test_a_conversation_goes_on_and_can_be_read_and_deleted(self):
        conversation = client.conversations.create(metadata={"topic": "names"})
        taken = []
        for words in ("My name is Ada.", "What is my name? Answer with one word."):
            response = client.responses.create(
                model=CHAT, input=words, conversation=conversation.id, temperature=0, max_output_tokens=16
            )
            taken.append(response.usage)
        self.assertGreater(taken[1].input_tokens, taken[0].input_tokens + taken[0].output_tokens)
        items = list(client.conversations.items.list(conversation.id, order="asc", limit=100))
        self.assertEqual([item.role for item in items], ["user", "assistant"] * 2)
        self.assertEqual(client.conversations.items.retrieve(items[0].id, conversation_id=conversation.id).id, items[0].id)
        updated = client.conversations.update(conversation.id, metadata={"topic": "other"})
        self.assertEqual(updated.metadata, {"topic": "other"})
        client.conversations.items.delete(items[0].id, conversation_id=conversation.id)
        self.assertEqual(len(client.conversations.items.list(conversation.id).data), 3)
        self.assertTrue(client.conversations.delete(conversation.id).deleted)
        with self.assertRaises(openai.NotFoundError):
            client.conversations.retrieve(conversation.id)


class Errors(unittest.TestCase):
    def refused(self, error, **changed):
        request = {"model": CHAT, "messages": CAPITAL, "max_tokens": 4, **changed}
        with self.assertRaises(error) as raised:
            client.chat.completions.create(**request)
        return raised.exception

    def test_a_wrong_key_is_refused_in_the_same_envelope(self):
        stranger = client.with_options(api_key="fh_wrong")
        with self.assertRaises(openai.AuthenticationError) as raised:
            stranger.models.list()
        self.assertEqual(raised.exception.code, "invalid_api_key")
        self.assertEqual(raised.exception.type, "authentication_error")

    def test_an_unknown_parameter_is_refused_by_name(self):
        error = self.refused(openai.BadRequestError, extra_body={"repetition_penalty": 1.1})
        self.assertEqual(error.param, "repetition_penalty")

    def test_a_value_out_of_range_is_refused_by_name(self):
        self.assertEqual(self.refused(openai.BadRequestError, temperature=3).param, "temperature")
        self.assertEqual(self.refused(openai.BadRequestError, n=0).param, "n")

    def test_an_image_is_refused_by_its_place(self):
        parts = [{"type": "image_url", "image_url": {"url": "data:,x"}}]
        error = self.refused(openai.BadRequestError, messages=[{"role": "user", "content": parts}])
        self.assertTrue(error.param.startswith("messages[0].content[0]"), error.param)

    def test_a_prompt_that_is_too_long_names_both_numbers(self):
        context = client.models.retrieve(CHAT).context_length
        words = "word " * (context + 100)
        error = self.refused(openai.BadRequestError, messages=[{"role": "user", "content": words}])
        self.assertEqual(error.code, "context_length_exceeded")
        self.assertIn(str(context), error.message.replace(",", ""))


if __name__ == "__main__":
    unittest.main(verbosity=2)
