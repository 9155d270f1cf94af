"""What the lessons import: one small file for each step of fine-tuning.

service connects, prepare and check look after the data, tokens counts and prices it, jobs starts
and follows the training, plots draws it, evaluate scores the answers, exercises judges yours.
"""
